//! The projection `files`: uploaded files. Their visibility follows from the references to them, and is decided per
//! request.

use crate::{ApplyError, Opened};
use domain::{Event, FileId, file::FileEvent};
use event_store::Record;
use sql::{Transaction, query};

pub(crate) async fn apply(tx: &mut Transaction, events: &[Opened<'_>]) -> Result<(), ApplyError> {
    for Opened { record, event } in events {
        if let Event::File(event) = event {
            write(tx, record, event).await?;
        }
    }
    Ok(())
}

async fn write(tx: &mut Transaction, record: &Record, event: &FileEvent) -> Result<(), ApplyError> {
    let file = record.aggregate_id;
    let written = match event {
        FileEvent::Uploaded { by, label, size, mime, thumb } => {
            let sql = "INSERT INTO files (id, uploader_id, url, name, size, mime, thumb, uploaded_at) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
            let name = label.get().map(|label| label.name.as_str());
            let uploaded = query(sql).bind(file).bind(by.0).bind(FileId(file).url()).bind(name);
            uploaded.bind(*size).bind(mime.as_str()).bind(*thumb).bind(record.recorded_at.millis())
        }
        FileEvent::Collected { .. } => {
            query("UPDATE files SET collected = $2 WHERE id = $1").bind(file).bind(record.position)
        }
        FileEvent::Restored { .. } => query("UPDATE files SET collected = NULL WHERE id = $1").bind(file),
        FileEvent::Deleted { .. } => query("DELETE FROM files WHERE id = $1").bind(file),
    };
    tx.execute(written).await?;
    Ok(())
}
