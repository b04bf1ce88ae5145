//! Compresses the files of Swagger UI that the page uses. The rest of its archive, most of it source maps, stays out of the binary.

use anyhow::{Context as _, Result};
use flate2::{Compression, write::GzEncoder};
use std::{
    borrow::Cow,
    env, fs,
    io::{Cursor, Read as _, Write as _},
    path::{Path, PathBuf},
};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

const FROM_ARCHIVE: [&str; 3] = ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"];
const OWN: [&str; 2] = ["index.html", "start.js"];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=page");
    let out = PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is set by cargo")?);
    let mut archive = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED))?;
    for name in FROM_ARCHIVE {
        let inside = archive.file_names().filter_map(Result::ok).find(|path| is_dist(path, name));
        let inside =
            inside.map(Cow::into_owned).with_context(|| format!("{name} is not in the archive of Swagger UI"))?;
        let mut content = Vec::new();
        archive.by_name(&inside)?.read_to_end(&mut content)?;
        write_compressed(&out, name, &content)?;
    }
    for name in OWN {
        write_compressed(&out, name, &fs::read(Path::new("page").join(name))?)?;
    }
    Ok(())
}

fn is_dist(path: &str, name: &str) -> bool {
    path.split_once('/').and_then(|(_, path)| path.strip_prefix("dist/")) == Some(name)
}

fn write_compressed(out: &Path, name: &str, content: &[u8]) -> Result<()> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(fs::write(out.join(format!("{name}.gz")), encoder.finish()?)?)
}
