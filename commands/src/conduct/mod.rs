//! The conduct of accounts: spam.

mod check_spam;
