fn main() {
    println!(
        "Expr {} Stmt {} Pat {} Func {} Param {}",
        size_of::<manta_flow::ir::Expr>(),
        size_of::<manta_flow::ir::Stmt>(),
        size_of::<manta_flow::ir::Pat>(),
        size_of::<manta_flow::ir::Func>(),
        size_of::<manta_flow::ir::Param>()
    );
    let mut v = vec![];
    for d in std::env::args().skip(1) {
        walk(std::path::Path::new(&d), &mut v);
    }
    let t = std::time::Instant::now();
    for (_, x) in &v {
        std::hint::black_box(manta_js::bench::nesting(x));
    }
    println!("nesting {:?}", t.elapsed());
    use manta_flow::frontend::FrontEnd;
    let mut keep = vec![];
    let t = std::time::Instant::now();
    for (p, x) in &v {
        keep.push(manta_js::JavaScript.lower(manta_core::FileId(0), p, x));
    }
    println!("lower kept {:?}", t.elapsed());
    let t = std::time::Instant::now();
    drop(keep);
    println!("drop {:?}", t.elapsed());
    let t = std::time::Instant::now();
    for (p, x) in &v {
        manta_js::bench::parse_only(p, x);
    }
    println!("parse {:?}", t.elapsed());
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
use manta_flow::frontend::FrontEnd;
