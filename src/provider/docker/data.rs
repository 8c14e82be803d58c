//! What is on a volume, as an image: taken out of a stopped container, put back into a volume, and compared.
//!
//! Two volumes are equal when they hold the same files with the same bytes, kinds, modes, owners and links; times do not count.

use super::client::Client;
use super::errors::{Explain, explain, optional};
use super::filler;
use super::labels::{self, Labels};
use super::removal;
use super::sending;
use crate::event::Context;
use crate::model::digest::Digester;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use bollard::models::{Mount, MountType, MountVolumeOptions};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, CreateImageOptionsBuilder, DownloadFromContainerOptionsBuilder,
    UploadToContainerOptionsBuilder,
};
use futures_util::{StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// Where a volume is seen in a container that is there to look into it.
pub(super) const TARGET: &str = filler::TARGET;

/// The digest of the data.
const DATA: &str = "envup.data";

/// What is in every container, whatever its image holds there.
const MADE_BY_THE_ENGINE: [&str; 4] = ["dev", "etc", "proc", "sys"];

/// A directory of a container.
pub(super) struct Place<'a> {
    pub(super) container: &'a str,
    pub(super) path: &'a str,
}

/// A container that is never started; gone when dropped.
pub(super) struct Holder<'a> {
    client: &'a Client,
    /// By which it is spoken of: a killed run's call that still waits in the engine may mean another one of its name.
    id: String,
}

impl<'a> Holder<'a> {
    /// One with a volume at [`TARGET`], which is filled from the image when it is empty, or stays as it is.
    pub(super) fn of_volume(
        client: &'a Client,
        volume: &str,
        image: &str,
        labels: &Labels,
        as_it_is: bool,
    ) -> Result<Self> {
        let mount = Mount {
            typ: Some(MountType::VOLUME),
            source: Some(volume.to_owned()),
            target: Some(TARGET.to_owned()),
            volume_options: Some(MountVolumeOptions {
                no_copy: Some(as_it_is),
                labels: Some(labels.clone()),
                ..MountVolumeOptions::default()
            }),
            ..Mount::default()
        };
        Self::new(client, filler::name_for(volume), image, vec![mount])
    }

    fn new(client: &'a Client, name: String, image: &str, mounts: Vec<Mount>) -> Result<Self> {
        let cannot = || format!("cannot make a container to look into {name}");
        // One that a killed run left is in the way.
        let volume = name.trim_end_matches(".filler");
        client.block(filler::clear(&client.docker, volume))?.explain(cannot)?;
        let query = CreateContainerOptionsBuilder::default().name(&name).build();
        let body = filler::never_run(image, &name, mounts);
        let id = client.block(client.docker.create_container(Some(query), body))?.explain(cannot)?.id;
        Ok(Self { client, id })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Holder<'_> {
    fn drop(&mut self) {
        // What stays is removed by the next one, or by `env prune`.
        let _ = self.client.block(removal::remove(&self.client.docker, &self.id));
    }
}

/// Makes an image of a directory; its labels say what the data is by digest.
pub(super) fn keep(
    client: &Client,
    place: &Place<'_>,
    reference: &str,
    mut all: Labels,
    context: &Context,
) -> Result<()> {
    all.insert(DATA.to_owned(), digest(client, place, context)?);
    let (repository, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
    let options = CreateImageOptionsBuilder::default()
        .from_src("-")
        .repo(repository)
        .tag(tag)
        .changes(all.iter().map(|(name, value)| label_line(name, value)).collect())
        .build();
    let download = DownloadFromContainerOptionsBuilder::default().path(place.path).build();
    let cannot = || format!("cannot keep {} of {}", place.path, place.container);
    client.wait(context, &format!("keeping {} of {}", place.path, place.container), async {
        let pieces = client.docker.download_from_container(place.container, Some(download));
        let (chunks, passing) = sending::passing_on(pieces.map(|piece| piece.explain(cannot)));
        let body = bollard::body_try_stream(chunks.map_ok(Into::into));
        let importing = async {
            let mut answers = client.docker.create_image(Some(options), Some(body), None);
            while let Some(answer) = answers.next().await {
                answer.map_err(|error| explain(&error, cannot()))?;
            }
            Ok(())
        };
        let (passed, imported) = tokio::join!(passing, importing);
        passed.and(imported)
    })
}

/// An instruction as the engine takes it, quoted so that nothing in the value means anything.
fn label_line(name: &str, value: &str) -> String {
    let quoted = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
    format!("LABEL \"{name}\"=\"{quoted}\"")
}

/// Fails unless an image still holds what it says that it was made of: the engine itself does not look again.
pub(super) fn verify(client: &Client, image: &str, path: &str, context: &Context) -> Result<()> {
    let last = path.rsplit('/').next().unwrap_or(path);
    if MADE_BY_THE_ENGINE.contains(&last) {
        return Ok(());
    }
    let holder = Holder::new(client, filler::name_for(&image.replace(':', "-")), image, Vec::new())?;
    match is_as_kept(client, image, &Place { container: holder.id(), path: &format!("/{last}") }, context)? {
        true => Ok(()),
        false => Err(Error::failed(format!("the image {image} does not hold the data that it was made of"))
            .hint(
                "the engine's own storage was damaged, or somebody changed it: look after this host's disk",
            )),
    }
}

/// Puts the data of an image to where it was; `false` when there was none, or what is there now is not the same.
pub(super) fn give_back(client: &Client, image: &str, place: &Place<'_>, context: &Context) -> Result<bool> {
    let found = optional(client.block(client.docker.inspect_image(image))?)
        .explain(|| format!("cannot look at {image}"))?;
    if found.is_none() {
        return Ok(false);
    }
    let (above, last) = place.path.rsplit_once('/').unwrap_or(("", place.path));
    let above = if above.is_empty() { "/" } else { above };
    let cannot = || format!("cannot restore {} of {}", place.path, place.container);
    let holder = Holder::new(client, filler::name_for(&image.replace(':', "-")), image, Vec::new())?;
    let download = DownloadFromContainerOptionsBuilder::default().path(&format!("/{last}")).build();
    let upload = UploadToContainerOptionsBuilder::default().path(above).build();
    client.wait(context, &format!("restoring {} of {}", place.path, place.container), async {
        let pieces = client.docker.download_from_container(holder.id(), Some(download));
        let (chunks, passing) = sending::passing_on(pieces.map(|piece| piece.explain(cannot)));
        let body = bollard::body_try_stream(chunks.map_ok(Into::into));
        let (passed, sent) =
            tokio::join!(passing, client.docker.upload_to_container(place.container, Some(upload), body));
        passed?;
        sent.explain(cannot)
    })?;
    is_as_kept(client, image, place, context)
}

/// Whether a directory holds what the image says that it was made of.
pub(super) fn is_as_kept(client: &Client, image: &str, place: &Place<'_>, context: &Context) -> Result<bool> {
    let kept =
        client.block(client.docker.inspect_image(image))?.explain(|| format!("cannot look at {image}"))?;
    let labels = kept.config.and_then(|config| config.labels);
    Ok(labels::filled(labels.as_ref(), DATA) == Some(&digest(client, place, context)?))
}

/// The digest of all that is in a directory.
fn digest(client: &Client, place: &Place<'_>, context: &Context) -> Result<String> {
    let cannot = || format!("cannot read {} of {}", place.path, place.container);
    let (reader, mut writer) = std::io::pipe().attempt(cannot)?;
    let options = DownloadFromContainerOptionsBuilder::default().path(place.path).build();
    let reading = std::thread::spawn(move || digest_of(reader));
    let sent = client.wait(context, &format!("reading {} of {}", place.path, place.container), async {
        let mut pieces = client.docker.download_from_container(place.container, Some(options));
        while let Some(piece) = pieces.next().await {
            writer.write_all(&piece.explain(cannot)?).attempt(cannot)?;
        }
        Ok(())
    });
    drop(writer);
    let digest = reading.join().map_err(|_| Error::failed("a thread of ours crashed"))?;
    sent?;
    digest.attempt(cannot)
}

/// The digest of an archive's entries, in whatever order and with whatever times they come.
fn digest_of(mut reader: impl Read) -> std::io::Result<String> {
    let mut entries = BTreeMap::new();
    let mut archive = tar::Archive::new(&mut reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path_bytes().into_owned();
        let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default();
        let header = entry.header();
        let about = format!(
            "{:?} {:o} {}:{} {}",
            header.entry_type(),
            header.mode()?,
            header.uid()?,
            header.gid()?,
            header.size()?
        );
        let mut digester = Digester::new("data/1");
        digester.part(&about).part(&link);
        let mut piece = vec![0; sending::CHUNK];
        loop {
            match entry.read(&mut piece)? {
                0 => break,
                count => digester.piece(&piece[..count]),
            };
        }
        // The directory itself is called otherwise in each place.
        let below = path.iter().position(|byte| *byte == b'/').map_or(&[][..], |place| &path[place + 1..]);
        entries.insert(below.to_vec(), digester.finish());
    }
    // Else whoever writes would be told that nobody reads.
    std::io::copy(&mut reader, &mut std::io::sink())?;
    let mut digester = Digester::new("data/1");
    for (path, digest) in &entries {
        digester.part(path).part(digest);
    }
    Ok(digester.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(root: &str, entries: &[(&str, u32, &str, u64)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, mode, content, time) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(*mode);
            header.set_mtime(*time);
            header.set_uid(0);
            header.set_gid(0);
            builder.append_data(&mut header, format!("{root}/{path}"), content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn equal_data_has_one_digest_and_every_change_another() {
        let of = |root: &str, entries: &[_]| digest_of(archive(root, entries).as_slice()).unwrap();
        let known = of("data", &[("a", 0o644, "one", 1), ("b", 0o600, "two", 1)]);
        assert_eq!(of("envup", &[("b", 0o600, "two", 7), ("a", 0o644, "one", 9)]), known);
        assert_ne!(of("data", &[("a", 0o644, "one", 1)]), known);
        assert_ne!(of("data", &[("a", 0o644, "One", 1), ("b", 0o600, "two", 1)]), known);
        assert_ne!(of("data", &[("a", 0o755, "one", 1), ("b", 0o600, "two", 1)]), known);
    }

    #[test]
    fn data_that_comes_in_other_pieces_is_the_same() {
        struct Drops<'a>(&'a [u8]);
        impl Read for Drops<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let count = buffer.len().min(7);
                self.0.read(&mut buffer[..count])
            }
        }
        let large = archive("data", &[("a", 0o644, &"one ".repeat(1000), 1)]);
        assert_eq!(digest_of(Drops(&large)).unwrap(), digest_of(large.as_slice()).unwrap());
    }

    #[test]
    fn a_label_is_taken_as_it_is() {
        assert_eq!(label_line("envup.x", r#"{"a":"$b\n"}"#), r#"LABEL "envup.x"="{\"a\":\"\$b\\n\"}""#);
    }
}
