//! The graph of presence and relations: friends, blocks, members, conversations of a user, session leases.
