//! HTTP over the engine's unix socket, just enough of it: one connection, one request after the other.
//!
//! Written out here so that the raw figures have no library in them.

use crate::Result;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A connection that is kept open between requests.
pub struct Http {
    stream: BufReader<UnixStream>,
}

impl Http {
    /// Connects.
    pub fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket)
            .map_err(|error| format!("connecting to the engine at {}: {error}", socket.display()))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// A request with an optional JSON body; an answer of 400 and above is an error.
    pub fn json(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.call(method, path, "application/json", body.as_bytes())?;
        Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }

    /// A request with any body.
    pub fn call(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Vec<u8>> {
        let length = body.len();
        let head = format!(
            "{method} /v1.41{path} HTTP/1.1\r\nHost: docker\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let (status, answer) = self.answer()?;
        if status >= 400 {
            return Err(
                format!("{method} {path}: {status} {}", String::from_utf8_lossy(&answer).trim()).into()
            );
        }
        Ok(answer)
    }

    fn answer(&mut self) -> Result<(u16, Vec<u8>)> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("no HTTP answer")?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':').map(|(name, value)| (name, value.trim())) {
                None => break,
                Some(("content-length", value)) => length = value.parse()?,
                Some(("transfer-encoding", value)) => chunked = value == "chunked",
                Some(_) => {}
            }
        }
        if status == 204 || status == 304 {
            return Ok((status, Vec::new()));
        }
        let mut body = Vec::new();
        if !chunked {
            self.take(length, &mut body)?;
            return Ok((status, body));
        }
        loop {
            let size = usize::from_str_radix(&self.line()?, 16)?;
            self.take(size, &mut body)?;
            self.line()?;
            if size == 0 {
                return Ok((status, body));
            }
        }
    }

    fn take(&mut self, length: usize, into: &mut Vec<u8>) -> Result<()> {
        let before = into.len();
        into.resize(before + length, 0);
        Ok(self.stream.read_exact(&mut into[before..])?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}
