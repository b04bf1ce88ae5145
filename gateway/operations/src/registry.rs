//! The lists of operations that doors and documents visit.

use super::{
    Operation, account, calls, conversations, friends, invites, members, messages, own_settings, presence, profile,
    receipts, reports, signals, stories, typing,
};

/// Receives the type of each operation.
pub trait Visitor {
    /// Takes one.
    fn visit<O: Operation>(&mut self);
}

/// A list of operations.
pub trait Registry: 'static {
    /// Passes each to the visitor, in the order of the documents.
    fn visit(visitor: &mut impl Visitor);
}

/// All operations of the server.
pub struct Operations;

impl Registry for Operations {
    fn visit(visitor: &mut impl Visitor) {
        visitor.visit::<messages::SendMessage>();
        visitor.visit::<messages::EditMessage>();
        visitor.visit::<messages::DeleteMessage>();
        visitor.visit::<messages::HideMessage>();
        visitor.visit::<messages::React>();
        visitor.visit::<messages::Unreact>();
        visitor.visit::<messages::Pin>();
        visitor.visit::<messages::Unpin>();
        visitor.visit::<receipts::MarkRead>();
        visitor.visit::<receipts::MarkDelivered>();
        visitor.visit::<conversations::CreateConversation>();
        visitor.visit::<conversations::UpdateConversation>();
        visitor.visit::<conversations::DeleteConversation>();
        visitor.visit::<members::JoinConversation>();
        visitor.visit::<members::LeaveConversation>();
        visitor.visit::<members::AddMember>();
        visitor.visit::<members::KickMember>();
        visitor.visit::<members::PromoteMember>();
        visitor.visit::<members::DemoteMember>();
        visitor.visit::<members::ApproveMember>();
        visitor.visit::<members::RejectMember>();
        visitor.visit::<own_settings::Mute>();
        visitor.visit::<own_settings::Unmute>();
        visitor.visit::<own_settings::Archive>();
        visitor.visit::<own_settings::Unarchive>();
        visitor.visit::<own_settings::ClearHistory>();
        visitor.visit::<invites::CreateInvite>();
        visitor.visit::<friends::RequestFriendship>();
        visitor.visit::<friends::AcceptFriend>();
        visitor.visit::<friends::RejectFriend>();
        visitor.visit::<friends::CancelRequest>();
        visitor.visit::<friends::BlockUser>();
        visitor.visit::<friends::UnblockUser>();
        visitor.visit::<friends::Unfriend>();
        visitor.visit::<calls::InitiateCall>();
        visitor.visit::<calls::AnswerCall>();
        visitor.visit::<calls::RefuseCall>();
        visitor.visit::<calls::CloseCall>();
        visitor.visit::<calls::SignalCall>();
        visitor.visit::<stories::PostStory>();
        visitor.visit::<stories::EditStory>();
        visitor.visit::<stories::DeleteStory>();
        visitor.visit::<stories::LikeStory>();
        visitor.visit::<stories::UnlikeStory>();
        visitor.visit::<stories::ViewStory>();
        visitor.visit::<stories::CommentOnStory>();
        visitor.visit::<typing::StartTyping>();
        visitor.visit::<typing::StopTyping>();
        visitor.visit::<presence::SetPresence>();
        visitor.visit::<presence::WatchPresence>();
        visitor.visit::<signals::SendSignal>();
        visitor.visit::<reports::FileReport>();
        visitor.visit::<profile::UpdateProfile>();
        visitor.visit::<account::ChangePassword>();
        visitor.visit::<account::Deactivate>();
        visitor.visit::<account::Erase>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[derive(Default)]
    struct Found {
        names: Vec<&'static str>,
        routes: Vec<&'static str>,
    }

    impl Visitor for Found {
        fn visit<O: Operation>(&mut self) {
            self.names.push(O::NAME);
            self.routes.extend(O::ROUTE.map(|route| route.id));
        }
    }

    #[test]
    fn each_command_has_a_name_and_a_route_of_its_own() {
        let mut found = Found::default();
        Operations::visit(&mut found);
        let Found { names, routes } = found;
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert_eq!(routes.iter().collect::<BTreeSet<_>>().len(), routes.len());
        assert!(routes.len() > 30, "{}", routes.len());
    }
}
