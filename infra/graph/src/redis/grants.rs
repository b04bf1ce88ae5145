//! Budgets that processes share. They are no projection, and expire.

use super::{
    Redis, parse,
    script::{Call, GRANT},
};
use crate::{Grant, GraphError};

impl Redis {
    pub(crate) async fn grant(&self, name: &str, every_us: u32, burst: u32, wanted: u32) -> Result<Grant, GraphError> {
        let arguments = [every_us, burst, wanted].map(|number| number.to_string().into_bytes()).into();
        let answer = self.link.run(Call { script: &GRANT, keys: vec![self.keys.budget(name)], arguments }).await?;
        let (granted, wait_us) = parse(answer)?;
        Ok(Grant { granted, wait_us })
    }
}
