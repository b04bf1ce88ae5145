//! That what somebody writes refers only to files that are theirs: whoever receives a reference may fetch the file.

use crate::{CommandError, FieldError, facts::Facts};
use domain::{
    UserId,
    file::{File, LinkTarget},
    message::Attachment,
    text::Link,
};

impl Facts<'_> {
    /// That `by` may refer to what these links, each with the field it stands in, lead to. The files' states are facts
    /// of the append: none can be collected meanwhile.
    pub(crate) async fn may_carry(&mut self, by: UserId, links: Vec<(String, &Link)>) -> Result<(), CommandError> {
        let mut faults = Vec::new();
        for (field, link) in links {
            let good = match LinkTarget::of(link) {
                LinkTarget::Elsewhere => true,
                LinkTarget::File(id) => self.get::<File>(id).await?.state.may_be_carried_by(by).is_ok(),
                LinkTarget::Misspelt => false,
            };
            if !good {
                let detail = "there is no such file of yours".to_owned();
                faults.push(FieldError { field, code: "not_found".to_owned(), detail });
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(CommandError::Invalid(faults)) }
    }

    /// That `by` may have this picture.
    pub(crate) async fn may_show(&mut self, by: UserId, avatar_url: Option<&Link>) -> Result<(), CommandError> {
        self.may_carry(by, avatar_url.map(|link| ("avatarUrl".to_owned(), link)).into_iter().collect()).await
    }

    /// That `by` may show this in a story.
    pub(crate) async fn may_picture(&mut self, by: UserId, media_url: Option<&Link>) -> Result<(), CommandError> {
        self.may_carry(by, media_url.map(|link| ("mediaUrl".to_owned(), link)).into_iter().collect()).await
    }

    /// That `by` may attach these.
    pub(crate) async fn may_attach(&mut self, by: UserId, attachments: &[Attachment]) -> Result<(), CommandError> {
        let links = attachments.iter().enumerate().flat_map(|(n, attachment)| {
            let file = (format!("attachments[{n}].fileUrl"), &attachment.file_url);
            let thumb = attachment.thumb_url.as_ref().map(|url| (format!("attachments[{n}].thumbUrl"), url));
            std::iter::once(file).chain(thumb)
        });
        self.may_carry(by, links.collect()).await
    }
}
