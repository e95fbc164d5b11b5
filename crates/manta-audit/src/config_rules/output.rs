//! Standard output belongs to the protocol on the stdio transport.

use manta_core::Finding;
use manta_flow::engine::analysis::CallInfo;

use super::{Setup, arg, report};

/// Checks what handlers of a stdio server print.
pub(super) fn check(setup: &Setup<'_>, findings: &mut Vec<Finding>) {
    if !setup.calls().any(speaks_stdio) {
        return;
    }
    for call in setup.calls().filter(|call| call.in_handler && prints(call)) {
        let message = "a stdio server prints to standard output, which carries the protocol".to_owned();
        report(findings, "stdout-logging", call.at, message, "write to standard error or a log file", Vec::new());
    }
}

fn speaks_stdio(call: &CallInfo) -> bool {
    let last = arg::last(&call.api);
    match last {
        "StdioServerTransport" | "stdio_server" | "run_stdio_async" => true,
        "run" if call.api.contains("FastMCP()") || call.api.contains("MCPServer()") => {
            let transport = arg::lookup(&call.named, "transport").or_else(|| call.args.first());
            transport.is_none_or(|transport| arg::texts(transport).contains(&"stdio"))
        }
        _ => false,
    }
}

fn prints(call: &CallInfo) -> bool {
    match call.api.as_str() {
        "globalThis.console.log"
        | "globalThis.console.info"
        | "globalThis.console.debug"
        | "globalThis.console.table" => true,
        "builtins.print" => arg::lookup(&call.named, "file").is_none(),
        _ => false,
    }
}
