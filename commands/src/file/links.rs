//! Authorization of links: to files of this server that the author uploaded or sees, and to hosts that the operator
//! named. The recipients of a reference may fetch the file.

use crate::{CommandError, FieldError, engine::Facts};
use domain::{
    FileId, UserId,
    file::{File, LinkTarget},
    message::Attachment,
    text::{Link, MediaType},
};
use std::collections::BTreeSet;

/// The media type of thumbnails.
const THUMBNAIL: &str = "image/jpeg";

/// A link and its field.
type Standing<'l> = (String, &'l Link);

impl Facts<'_> {
    /// Refuses links that `by` may not write; `seen` are the links to other people's files that they see. The append
    /// guards the files, so that none is collected meanwhile.
    async fn authorize_file_links(
        &mut self,
        by: UserId,
        seen: &BTreeSet<Link>,
        links: Vec<Standing<'_>>,
    ) -> Result<(), CommandError> {
        let mut faults = Vec::new();
        for (field, link) in links {
            let target = LinkTarget::of(link);
            let fault = match target {
                LinkTarget::File(id) | LinkTarget::Thumb(id) => {
                    let file = self.get::<File>(id).await?.state;
                    let is_there = target == LinkTarget::File(id) || file.has_thumb();
                    let may = is_there && file.may_be_referenced_by(by, seen.contains(link)).is_ok();
                    (!may).then_some(("not_found", "there is no such file of yours"))
                }
                // Another path of this server reveals its viewers to nobody else, and is not resolved to a file.
                LinkTarget::Path if link.is_path() => None,
                LinkTarget::Elsewhere if self.commands().settings().link_hosts.permit(link) => None,
                LinkTarget::Misspelt | LinkTarget::Path | LinkTarget::Elsewhere => Some((
                    "malformed",
                    "must be the path of a file, as an upload answers it, or an https link to a host that the server names",
                )),
            };
            if let Some((code, detail)) = fault {
                faults.push(FieldError { field, code: code.to_owned(), detail: detail.to_owned() });
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(CommandError::Invalid(faults)) }
    }

    pub(crate) async fn authorize_avatar(&mut self, by: UserId, avatar_url: Option<&Link>) -> Result<(), CommandError> {
        self.authorize_picture("avatarUrl", by, avatar_url).await
    }

    pub(crate) async fn authorize_media(&mut self, by: UserId, media_url: Option<&Link>) -> Result<(), CommandError> {
        self.authorize_picture("mediaUrl", by, media_url).await
    }

    async fn authorize_picture(&mut self, field: &str, by: UserId, link: Option<&Link>) -> Result<(), CommandError> {
        let links = link.map(|link| (field.to_owned(), link)).into_iter().collect();
        self.authorize_file_links(by, &BTreeSet::new(), links).await
    }

    /// The authorized attachments. Name, size and media type of a file of this server come from its state.
    pub(crate) async fn authorize_attachments(
        &mut self,
        by: UserId,
        seen: &BTreeSet<Link>,
        attachments: &[Attachment],
    ) -> Result<Vec<Attachment>, CommandError> {
        let links = attachments.iter().enumerate().flat_map(|(n, attachment)| {
            let file = (format!("attachments[{n}].fileUrl"), &attachment.file_url);
            let thumb = attachment.thumb_url.as_ref().map(|url| (format!("attachments[{n}].thumbUrl"), url));
            std::iter::once(file).chain(thumb)
        });
        self.authorize_file_links(by, seen, links.collect()).await?;
        let mut stored = Vec::with_capacity(attachments.len());
        for attachment in attachments {
            stored.push(match LinkTarget::of(&attachment.file_url).file() {
                Some(id) => self.stored(id, &attachment.file_url).await?,
                None => attachment.clone(),
            });
        }
        Ok(stored)
    }

    /// The attachment for a file of this server, or its thumbnail.
    async fn stored(&mut self, id: FileId, link: &Link) -> Result<Attachment, CommandError> {
        let file = self.get::<File>(id).await?.state;
        let file_url = link.clone();
        if link.as_str() == id.thumb_url() {
            let mime = MediaType::parse(THUMBNAIL).ok();
            return Ok(Attachment { file_url, thumb_url: None, name: None, size: None, mime });
        }
        let thumb_url = file.has_thumb().then(|| Link::parse(&id.thumb_url()).ok()).flatten();
        let (name, mime) = (file.name().cloned(), file.mime().cloned());
        Ok(Attachment { file_url, thumb_url, name, size: Some(file.size()), mime })
    }
}
