use manta_flow::frontend::FrontEnd;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n: usize = a[2].parse().unwrap();
    let kb: usize = a[3].parse().unwrap();
    let r = |s: &str| s.repeat(n);
    let (text, path) = match a[1].as_str() {
        "paren" => (r("(") + "1" + &r(")"), "a.js"),
        "array" => (r("[") + &r("]"), "a.js"),
        "block" => (r("{") + &r("}"), "a.js"),
        "object" => ("x=".to_string() + &r("{a:") + "1" + &r("}"), "a.js"),
        "not" => (r("!") + "1", "a.js"),
        "add" => ("a".to_string() + &r("+a"), "a.js"),
        "sub" => ("a".to_string() + &r("-a"), "a.js"),
        "or" => ("a".to_string() + &r("||a"), "a.js"),
        "member" => ("a".to_string() + &r(".b"), "a.js"),
        "calls" => ("a".to_string() + &r(".b()"), "a.js"),
        "args" => (r("f(") + &r(")"), "a.js"),
        "fn" => (r("f(function(){") + &r("})"), "a.js"),
        "arrow" => (r("a=>") + "1", "a.js"),
        "cond" => (r("a?b:") + "1", "a.js"),
        "assign" => (r("a=") + "1", "a.js"),
        "elseif" => (r("if(a){}else ") + "{}", "a.js"),
        "if" => (r("if(a)") + "b", "a.js"),
        "for" => (r("for(;;)") + "b", "a.js"),
        "template" => (r("`${") + "1" + &r("}`"), "a.js"),
        "new" => (r("new ") + "a", "a.js"),
        "pow" => (r("a**") + "a", "a.js"),
        "class" => (r("class A{x=") + "1" + &r("}"), "a.js").to_owned(),
        "classm" => (r("class A{m(){") + &r("}}"), "a.js").to_owned(),
        "type" => ("let x:".to_string() + &r("A<") + "B" + &r(">"), "a.ts"),
        "typep" => ("let x:".to_string() + &r("(") + "B" + &r(")"), "a.ts"),
        "typea" => ("let x:B".to_string() + &r("[]"), "a.ts"),
        "keyof" => ("let x:".to_string() + &r("keyof ") + "B", "a.ts"),
        "cast" => ("x".to_string() + &r(" as any"), "a.ts"),
        "pat" => ("let ".to_string() + &r("[") + "a" + &r("]") + "=b", "a.js"),
        "patt" => ("(".to_string() + &r("[") + "a" + &r("]") + "=b)", "a.js"),
        "jsx" => (r("<a>") + &r("</a>"), "a.jsx"),
        "jsxe" => (r("<a>{") + &r("}</a>"), "a.jsx"),
        "label" => ((0..n).map(|i| format!("l{i}:")).collect::<String>() + ";", "a.js"),
        "tagged" => ("a".to_string() + &r("``"), "a.js"),
        "ns" => (r("namespace a{") + &r("}"), "a.ts"),
        "deco" => (r("@(class{}) class{") + &r("}"), "a.ts"),
        "switch" => (r("switch(a){default:") + &r("}"), "a.js"),
        "try" => (r("try{") + &r("}finally{}"), "a.js"),
        other => panic!("{other}"),
    };
    let full = a.get(4).is_some();
    let t = std::thread::Builder::new()
        .stack_size(kb << 10)
        .spawn(move || {
            if full {
                let l = manta_js::JavaScript.lower(manta_core::FileId(0), path, &text);
                println!("{:?}", l.problems);
                drop(l);
            } else {
                manta_js::bench::parse_only(path, &text);
                println!("ok");
            }
        })
        .unwrap();
    t.join().unwrap();
}
