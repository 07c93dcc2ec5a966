//! The floor: what a process reaches that answers each message with prepared bytes.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use memchr::memmem;

/// Bytes written at once, as in the daemon.
const PORTION: usize = 256 << 10;

/// Connects to the port of `arguments`, and answers each message with the content of the file.
pub(crate) fn run(arguments: &[String]) {
    let port: u16 = arguments[0].parse().expect("a port");
    let copies = fs::read(&arguments[1]).expect("the copies");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_nodelay(true).expect("option");
    let mut buffer = vec![0; PORTION];
    let mut out = Vec::with_capacity(PORTION + copies.len());
    // A message that came in part counts with its end.
    let end = b"</message>";
    let mut tail = Vec::new();
    loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        if count == 0 {
            return;
        }
        tail.extend_from_slice(&buffer[..count]);
        let messages = memmem::find_iter(&tail, end).count();
        let rest = memmem::rfind(&tail, end).map_or(0, |at| at + end.len());
        tail.drain(..rest);
        for _ in 0..messages {
            if copies.len() >= PORTION {
                write(&mut stream, &copies);
                continue;
            }
            out.extend_from_slice(&copies);
            if out.len() >= PORTION {
                write(&mut stream, &out);
                out.clear();
            }
        }
        write(&mut stream, &out);
        out.clear();
    }
}

fn write(stream: &mut TcpStream, out: &[u8]) {
    for portion in out.chunks(PORTION) {
        if stream.write_all(portion).is_err() {
            std::process::exit(0);
        }
    }
}
