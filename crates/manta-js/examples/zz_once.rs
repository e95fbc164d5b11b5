use manta_flow::frontend::FrontEnd;
fn main() {
    let mut v = vec![];
    for d in std::env::args().skip(1) {
        walk(std::path::Path::new(&d), &mut v);
    }
    for (p, x) in &v {
        std::hint::black_box(manta_js::JavaScript.lower(manta_core::FileId(0), p, x));
    }
}
fn walk(p: &std::path::Path, v: &mut Vec<(String, String)>) {
    if p.is_dir() {
        for e in std::fs::read_dir(p).unwrap().flatten() {
            walk(&e.path(), v);
        }
    } else if manta_js::JavaScript.claims(&p.to_string_lossy()) {
        if let Ok(t) = std::fs::read_to_string(p) {
            v.push((p.to_string_lossy().into_owned(), t));
        }
    }
}
