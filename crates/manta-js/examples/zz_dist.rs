use manta_flow::frontend::FrontEnd;
fn main() {
    for root in std::env::args().skip(1) {
        walk(std::path::Path::new(&root));
    }
}
fn walk(p: &std::path::Path) {
    if p.is_dir() {
        for e in std::fs::read_dir(p).unwrap().flatten() {
            walk(&e.path());
        }
    } else if manta_js::JavaScript.claims(&p.to_string_lossy()) {
        if let Ok(t) = std::fs::read_to_string(p) {
            println!("{} {} {}", manta_js::bench::nesting(&t), t.len(), p.display());
        }
    }
}
