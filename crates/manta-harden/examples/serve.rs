//! The ready server in a program of one's own: `cargo run --features serve --example serve -- manta.toml`.
//! With an address as second argument it listens there instead of on standard input.

use std::path::Path;

use manta_harden::policy::Policy;
use manta_harden::serve::{self, HttpOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    manta_harden::command::init(); // first, always: commands are run by a second copy of this program
    let mut args = std::env::args().skip(1);
    let policy = match args.next() {
        Some(file) => Policy::load(file)?,
        None => serve::read_only(Path::new("."))?,
    };
    let log = serve::default_log();
    match args.next() {
        None => serve::serve_stdio(policy, &log)?,
        Some(address) => {
            let options = HttpOptions { address: address.parse()?, token: std::env::var("MANTA_TOKEN").ok() };
            #[expect(clippy::print_stderr, reason = "an example says where it listens")]
            serve::serve_http(policy, &log, &options, |address| eprintln!("listening on http://{address}"))?;
        }
    }
    Ok(())
}
