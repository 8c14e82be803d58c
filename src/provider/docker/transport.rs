//! Into a machine through the engine: commands over a hijacked connection, files as archives.

use super::client::Client;
use super::errors::{Explain, explain, is_conflict, is_missing};
use super::sending::{self, CHUNK};
use super::unstarted::Unstarted;
use crate::event::Context;
use crate::model::error::Attempt;
use crate::model::{Error, Result};
use crate::transport::{Command, Exit, Output, Stdin, TerminalSize, Transport};
use bollard::container::LogOutput;
use bollard::exec::{ResizeExecOptions, StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bollard::query_parameters::{DownloadFromContainerOptionsBuilder, UploadToContainerOptionsBuilder};
use futures_util::{StreamExt, TryStreamExt};
use std::io::{Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

/// How often the size of our terminal is looked at.
const RESIZE: Duration = Duration::from_millis(200);

/// A way into one container.
pub(super) struct DockerTransport {
    pub(super) client: Arc<Client>,
    /// The container's name.
    pub(super) container: String,
    /// The machine's name, for people.
    pub(super) machine: String,
}

type Input = Pin<Box<dyn AsyncWrite + Send>>;

impl Transport for DockerTransport {
    fn exec(&self, command: Command, output: &mut dyn Output, context: &Context) -> Result<Exit> {
        let program = command.argv.first().cloned().unwrap_or_default();
        let what = format!("running {program} in machine {}", self.machine);
        context.check(&what)?;
        self.client.wait(context, &what, self.run(command, output, &program))
    }

    fn put(&self, archive: &mut (dyn Read + Send), directory: &str, context: &Context) -> Result<()> {
        let what = format!("copying files to machine {}", self.machine);
        self.client.wait(context, &what, upload(&self.client, &self.container, archive, directory)).map_err(
            |error| error.context(format!("cannot copy files to {directory} of machine {}", self.machine)),
        )
    }

    fn get(&self, path: &str, archive: &mut dyn Write, context: &Context) -> Result<()> {
        let what = format!("copying files from machine {}", self.machine);
        let options = DownloadFromContainerOptionsBuilder::default().path(path).build();
        self.client.wait(context, &what, async {
            let mut stream = self.client.docker.download_from_container(&self.container, Some(options));
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.explain(|| format!("cannot copy {path} from machine {}", self.machine))?;
                archive.write_all(&chunk).attempt(|| format!("cannot write what was copied from {path}"))?;
            }
            Ok(())
        })
    }
}

impl DockerTransport {
    async fn run(&self, command: Command, output: &mut dyn Output, program: &str) -> Result<Exit> {
        let docker = &self.client.docker;
        let cannot = || format!("cannot run {program} in machine {}", self.machine);
        let has_terminal = command.terminal.is_some();
        let created = docker.create_exec(&self.container, config(&command)).await.map_err(|error| {
            if is_missing(&error) {
                return Error::failed(format!("machine {} does not exist", self.machine))
                    .hint("`env up` makes it");
            }
            if is_conflict(&error) {
                return Error::failed(format!("machine {} is not running", self.machine))
                    .hint("`env up` starts it");
            }
            explain(&error, cannot())
        })?;
        let start = StartExecOptions { detach: false, tty: has_terminal, output_capacity: Some(CHUNK) };
        let started = docker.start_exec(&created.id, Some(start)).await.explain(cannot)?;
        let StartExecResults::Attached { output: mut stream, input } = started else {
            return Err(Error::failed(cannot()));
        };
        let feeding = feed(command.stdin, input);
        let resizing = self.follow_size(&created.id, command.terminal);
        let mut output = Unstarted::new(output);
        let reading = async {
            while let Some(piece) = stream.next().await {
                match piece.explain(cannot)? {
                    LogOutput::StdErr { message } => output.stderr(&message)?,
                    LogOutput::StdOut { message } | LogOutput::Console { message } => {
                        output.stdout(&message)?
                    }
                    LogOutput::StdIn { .. } => {}
                }
                if output.is_enough() {
                    break;
                }
            }
            Ok(())
        };
        // The end of the output is the end; input that nobody reads any more is given up.
        tokio::select! {
            biased;
            result = reading => result?,
            never = async { tokio::join!(feeding, resizing).1 } => match never {},
        }
        if output.is_enough() {
            return Ok(Exit { code: 0 });
        }
        output.ended(self.exit_of(&created.id).await?, &cannot())
    }

    /// Sets the terminal's size and follows ours as it changes; never ends by itself.
    async fn follow_size(&self, exec: &str, terminal: Option<TerminalSize>) -> std::convert::Infallible {
        let mut known = None;
        loop {
            if let Some(size) = terminal.as_ref().map(|size| size()).filter(|size| Some(*size) != known) {
                let options = ResizeExecOptions { width: size.0, height: size.1 };
                // Right after the start the engine may not know the terminal yet: then the next round does it.
                if self.client.docker.resize_exec(exec, options).await.is_ok() {
                    known = Some(size);
                }
            }
            tokio::time::sleep(RESIZE).await;
        }
    }

    async fn exit_of(&self, exec: &str) -> Result<Exit> {
        loop {
            let found = self
                .client
                .docker
                .inspect_exec(exec)
                .await
                .explain(|| format!("cannot ask how a command in machine {} ended", self.machine))?;
            match found.exit_code {
                Some(code) if found.running != Some(true) => return Ok(Exit { code: code as i32 }),
                // Its output ended a moment before itself.
                _ => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    }
}

fn config(command: &Command) -> ExecConfig {
    let has_input = !matches!(command.stdin, Stdin::Empty);
    ExecConfig {
        attach_stdin: Some(has_input),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(command.terminal.is_some()),
        env: Some(command.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        cmd: Some(command.argv.clone()),
        user: Some(command.user.clone().unwrap_or_else(|| "0".to_owned())),
        working_dir: command.working_dir.clone(),
        ..ExecConfig::default()
    }
}

/// Sends what the command reads, then closes its input, if it is not to be held open, and waits forever: the output decides when it is over.
async fn feed(stdin: Stdin, mut input: Input) {
    // A command that stops reading is no failure of ours: its exit code says how it ended.
    match stdin {
        Stdin::Empty => {}
        Stdin::Bytes(bytes) => {
            let _ = input.write_all(&bytes).await;
        }
        Stdin::Held(pieces) => {
            for bytes in pieces() {
                let _ = input.write_all(&bytes).await;
            }
            let _ = input.flush().await;
            return std::future::pending().await;
        }
        Stdin::Stream(stream) => {
            let mut chunks = read_aside(stream);
            while let Some(chunk) = chunks.recv().await {
                if input.write_all(&chunk).await.is_err() || input.flush().await.is_err() {
                    break;
                }
            }
        }
    }
    let _ = input.shutdown().await;
    std::future::pending::<()>().await;
}

/// Reads a blocking stream in a thread of its own, which ends with the stream or when nobody listens any more.
fn read_aside(mut stream: Box<dyn Read + Send>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            if sender.blocking_send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Unpacks an archive below a directory of a container, which need not run.
pub(super) async fn upload(
    client: &Client,
    container: &str,
    archive: &mut (dyn Read + Send),
    directory: &str,
) -> Result<()> {
    let (chunks, reading) = sending::reading(archive, |_| {});
    let options = UploadToContainerOptionsBuilder::default().path(directory).build();
    let body = bollard::body_try_stream(chunks.map_ok(Into::into));
    let (read, sent) =
        tokio::join!(reading, client.docker.upload_to_container(container, Some(options), body));
    read?;
    sent.explain(|| format!("docker refused the files for {directory}"))
}
