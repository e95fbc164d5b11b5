//! Secrets in the forms that calls carry, and texts in the same forms without any.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::Redactor;

/// What no shape of a secret knows, and what looks drawn by lot.
const PLAIN: &str = "hunter2";
const DRAWN: &str = "hU4nt7eR2xK9vQ3m";

fn redacted(value: &Value) -> Value {
    let redactor = Redactor::new([7; 32]);
    let once = redactor.redact(value).value;
    assert_eq!(redactor.redact(&once).value, once, "a record stays as it is");
    once
}

fn hide(forms: &[&str]) {
    for form in forms {
        let text = form.replace("PLAIN", PLAIN).replace("DRAWN", DRAWN);
        let record = redacted(&json!(text)).to_string();
        assert!(!record.contains(PLAIN) && !record.contains(DRAWN), "{text}\n{record}");
    }
}

fn keep(texts: &[&str]) {
    for text in texts {
        assert_eq!(redacted(&json!(text)), json!(text));
    }
}

#[test]
fn secrets_in_markup_go() {
    hide(&[
        r#"<x password="PLAIN"/>"#,
        "<user name='ann' password='PLAIN' role='admin'/>",
        r#"<db:conn user="a" db:password="PLAIN">"#,
        r#"<add key="ApiKey" value="PLAIN"/>"#,
        r#"<add value="PLAIN" key="ApiKey"/>"#,
        r#"<property name="db.password" value='PLAIN'/>"#,
        r#"<property name="password">PLAIN</property>"#,
        r#"<entry key="client_secret">  PLAIN  </entry>"#,
        r#"<input type="password" value="PLAIN">"#,
        "<input type=hidden name=csrf value=DRAWN>",
        r#"<meta name="csrf-token" content="PLAIN">"#,
        "<server><username>a</username><password>PLAIN</password></server>",
        "<db:Password enc='none'>PLAIN</db:Password>",
        "<password><![CDATA[PLAIN]]></password>",
        "<dict><key>api_key</key><string>PLAIN</string></dict>",
    ]);
    keep(&[
        "<b>token</b> and <i>password</i>",
        r#"<input type="password" name="password" placeholder="Your password">"#,
        r#"<label for="password">Password</label>"#,
        r#"<a href="/password/reset">Forgot your password?</a>"#,
        r#"<add key="Theme" value="dark"/><property name="timeout" value="30"/>"#,
        r#"<xs:element name="password" type="xs:string"/><xs:attribute name="token" use="required"/>"#,
        r#"<field name="key" type="string"/><tr key="row-1"><td>x</td></tr><li key={item.id}>{item.name}</li>"#,
        r#"<input type="submit" name="session" value="Start"><session id="5" name="main"/>"#,
        "tool --token <token> --name <name>",
        "if (tokens < 5 && keys > 3) { secret <T> }",
    ]);
}

#[test]
fn secrets_in_statements_go() {
    hide(&[
        "INSERT INTO users (name, password) VALUES ('ann', 'PLAIN')",
        "insert into users(name,password) values ('ann','PLAIN'),('bob','PLAIN')",
        r#"INSERT INTO "users" ("name", "api_key", "n") VALUES ('ann', 'PLAIN', 5);"#,
        "INSERT INTO `users` (`token`) VALUES (\"PLAIN\")",
        "INSERT INTO t (id, note, secret) VALUES (1, 'it''s, (ok', 'PLAIN') ON CONFLICT DO NOTHING",
        "INSERT INTO t (id, secret) VALUES (f(1, 2), upper(concat('x', 'PLAIN')))",
        "REPLACE INTO users (pw, name) VALUES ('PLAIN', 'x')",
        "UPDATE users SET name='x', pwd='PLAIN'",
        "SELECT * FROM users WHERE name = 'a' AND password <> 'PLAIN'",
        "SELECT * FROM s WHERE token NOT IN ('x', 'PLAIN')",
        "SET PASSWORD FOR 'a'@'%' = PASSWORD('PLAIN')",
        "ALTER LOGIN sa WITH PASSWORD = N'PLAIN'",
        "CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password 'PLAIN')",
    ]);
    keep(&[
        "INSERT INTO password_resets (user_id, created) VALUES (5, now())",
        "INSERT INTO t (id, token_count, key_id) VALUES (1, '2', '3')",
        "INSERT INTO settings (name, value) VALUES ('theme', 'dark')",
        "INSERT INTO users (name, password) VALUES (:name, :password), ($1, $2), (?, ?)",
        "INSERT INTO users (name, password) SELECT name, password FROM old WHERE name = 'ann'",
        "CREATE TABLE users (id int, password text NOT NULL, token varchar(255))",
        "SELECT u.name, u.password FROM users u JOIN s ON s.id = u.id WHERE u.name = 'ann'",
        "UPDATE users SET password_changed = now() WHERE id = 1",
        "UPDATE users SET password = NULL WHERE name = 'ann'",
        "SELECT count(*) FROM tokens WHERE token IS NULL AND kind IN ('a', 'b')",
    ]);
}

#[test]
fn secrets_in_files_without_signs_go() {
    hide(&[
        "machine example.com login ann password PLAIN",
        "machine example.com\n  login ann\n  password PLAIN\n",
        "default login ann account b password PLAIN macdef x",
        "localhost:5432:db:ann:PLAIN",
        "# HTTP Cookie File\nexample.com\tFALSE\t/\tTRUE\t0\ttheme\tPLAIN",
        "ann:$6$PLAINPLAIN$abcdefghijklmnopqrstuv:19000:0:99999:7:::",
        "requirepass PLAIN",
        "set password PLAIN\nset name x",
        "enable secret 5 PLAIN",
        "password\tPLAIN",
        "| password | PLAIN |",
        "export DB_PASS=PLAIN",
        "os.environ['DB_PASSWORD'] = 'PLAIN'",
        "connect('ann', pw=\"PLAIN\")",
        r#"password = "a\"PLAIN""#,
        r#"x("{\"password\": \"a\\\"PLAIN\"}")"#,
        "{\"password\":\"x\return\\\"PLAIN\"}",
        "password = \"PLAIN",
        "user=ann&pass=PLAIN",
        "password%3DPLAIN",
        "Content-Disposition: form-data; name=\"password\"\r\nContent-Type: text/plain\r\n\r\nPLAIN\r\n--x",
    ]);
    keep(&[
        "machine learning models for login pages and password managers",
        "the machine will login and password prompts appear",
        "the default login page has a password field",
        "set password policy to strict",
        "user ann changed the password yesterday",
        "max_tokens: 4096, total tokens used = 1523",
        "requirepass is not set",
        "a:b:c:d:e and src/lib.rs:10:5: error",
        "12:30:45:100:22",
        "| token | type |\n|---|---|\n| password | string |",
        "password: string; token: Optional[str] = None",
        "password = getpass.getpass()",
        "def login(user: str, password: str) -> bool:",
        "client = Client(token=access_token, password=args.password)",
        "if password == confirm_password:",
        "setPassword(newPassword)",
        "headers = f'{name}={token}'",
        "the key: 5, pin=3, auth=basic, seed=42, pass=12, key=item-12",
    ]);
}

#[test]
fn secrets_in_command_lines_go() {
    let lines = [
        "mysql -uroot -pPLAIN shop",
        "mysqldump -u root -p'PLAIN' shop",
        "mongosh --username a -p PLAIN host",
        "7z x -pPLAIN a.7z",
        "unzip -P PLAIN a.zip",
        "redis-cli -a PLAIN ping",
        "docker login -u ann -p PLAIN registry.example.com",
        "sqlcmd -S x -U sa -P PLAIN",
        "ldapsearch -D cn=a -w PLAIN -b x",
        "smbclient //h/s -U ann%PLAIN",
        "openssl rsa -passin pass:PLAIN",
        "curl --oauth2-bearer PLAIN https://x",
        "curl -b 'theme=PLAIN' https://x",
        "curl --cookie session=PLAIN https://x",
        "curl -uadmin:PLAIN http://x",
        "curl --user admin:PLAIN",
        "xfreerdp /u:a /p:PLAIN /v:h",
        "tool --login ann -pPLAIN",
        "tool -u ann -p PLAIN",
        "tool --pin PLAIN",
        "sshpass -p PLAIN ssh x",
        "login --password PLAIN",
        "tool --auth-token PLAIN x",
    ];
    hide(&lines);
    hide(&[
        "echo PLAIN | sudo -S id",
        "echo 'PLAIN' | docker login -u ann --password-stdin",
        "ssh host \"mysql -pPLAIN shop\"",
        "cd a && mysql -pPLAIN shop",
    ]);
    for line in lines {
        let words: Vec<String> = line.split(' ').map(|word| word.replace('\'', "").replace("PLAIN", PLAIN)).collect();
        let record = redacted(&json!(words)).to_string();
        assert!(!record.contains(PLAIN), "{words:?}\n{record}");
    }
    let ordinary = [
        "mkdir -pv a/b",
        "docker run -u 1000:1000 -p8080:80 img",
        "ssh -p2222 ann@host",
        "psql -p 5432 -U ann db",
        "mysql -u root -p shop",
        "mysql -P3306 -uroot shop",
        "patch -p1",
        "nmap -p1-65535 host",
        "sudo -u ann cargo test -p manta",
        "virtualenv -ppython3 .venv",
        "gcc -pthread -pipe a2.c",
        "ffmpeg -i a -pix_fmt yuv420p b.mp4",
        "unzip -p a.zip b.txt",
        "redis-cli -p 6379 get session",
        "docker login registry.example.com",
        "ldapsearch -x -W",
        "openssl rsa -passin env:PASS",
        "curl -b cookies.txt https://x",
        "rsync -avzP src/ host:dst/",
        "grep -w session file",
        "msbuild /p:Configuration=Release",
        "mysql --password",
        "curl -u ann https://x",
    ];
    keep(&ordinary);
    for line in ordinary {
        let words = json!(line.split(' ').collect::<Vec<_>>());
        assert_eq!(redacted(&words), words);
    }
}

#[test]
fn what_proves_a_session_goes_and_a_meeting_stays() {
    hide(&[
        "sessionid=DRAWN; theme=dark",
        "https://x.example/a?sid=DRAWN&y=1",
        "https://x.example/a;jsessionid=DRAWN?x",
        "document.cookie = 'connect.sid=DRAWN; path=/'",
        "_csrf=DRAWN&name=ann",
    ]);
    for name in ["session", "sid", "csrf", "xsrf", "PHPSESSID", "connect.sid", "user_session", "x-csrf"] {
        assert_eq!(redacted(&json!({ name: DRAWN })), json!({ name: "[redacted:key]" }), "{name}");
    }
    let mark = "[redacted:key]";
    for (cookies, record) in [
        (json!("a=b; sid=x"), json!(mark)),
        (json!(["a=b"]), json!([mark])),
        (json!({ "sid": "x", "n": 5 }), json!({ "sid": mark, "n": 5 })),
        (
            json!([{ "name": "sid", "value": "x", "domain": "d" }]),
            json!([{ "name": "sid", "value": mark, "domain": "d" }]),
        ),
    ] {
        assert_eq!(redacted(&json!({ "cookies": cookies })), json!({ "cookies": record }));
    }
    let ordinary = json!([
        { "session": "main", "sid": 5, "csrf": true, "cookies": "accept" },
        { "session": "sprint-42-planning-notes", "sid": "track-12", "csrf": "double-submit", "cookies": ["a.txt", 5] },
        { "session": "2026-11-02T10:00:00Z", "sid": "S-1-5-21", "cookies": true },
        { "session": { "title": "x" }, "obsession": DRAWN, "residence": DRAWN },
    ]);
    assert_eq!(redacted(&ordinary), ordinary);
    keep(&[
        "session = requests.Session(); sid = request.cookies.get('sid')",
        "https://x.example/a?session=spring2026&sort=asc",
        "app.use(csrf({ cookie: true }))",
        "const session = await createSession(user2);",
    ]);
}

/// Pieces of texts that mean something here, in any order.
const PIECES: &[&str] = &[
    "password",
    "api_key",
    "sid",
    "key",
    "token",
    "mysql",
    "curl",
    "docker login",
    "INSERT INTO t (a, password) VALUES (",
    "machine h login a password ",
    "<",
    ">",
    "</",
    "/>",
    "=",
    ":",
    "=>",
    "%3D",
    "\"",
    "'",
    "`",
    "\\",
    "\\\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    "|",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "-p",
    "-P",
    "-u",
    "-b",
    "--password",
    "--pin",
    "name",
    "value",
    "<![CDATA[",
    "]]>",
    "[redacted:key]",
    "[redacted:",
    "hunter2x",
    "hU4nt7eR2xK9vQ3m",
    "é",
    "ｐassword",
    "密码",
    "$1",
    "${X}",
    "0",
];

/// What a fuzzer found: the head of a key is no flag, and what is cut out behind it left another key.
#[test]
fn a_text_that_begins_with_dashes_is_no_flag() {
    let key = "-----BEGIN PRIVATE KEY-----\n=MIIE\n-----END PRIVATE -\nMIIKEY-----";
    assert_eq!(redacted(&json!([key])), json!([redacted(&json!(key))]));
    // Nor is what is JSON read as a text when nothing is left to hide in it.
    redacted(&json!(r#"{"password":"x","inner":"{\"secret\":1cret\":1cret\":1}"}"#));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever the name and the value are.
    #[test]
    fn what_a_name_gets_is_hidden(
        name in prop::sample::select(vec!["password", "api_key", "dbPassword", "client-secret", "ACCESS_TOKEN", "wifi_passphrase"]),
        form in prop::sample::select(vec![
            "<x NAME=\"SECRET\"/>", "<add key='NAME' value='SECRET'/>", "<NAME>SECRET</NAME>", "<e key=\"NAME\">SECRET</e>",
            "INSERT INTO t (a, NAME) VALUES (1, 'SECRET')", "UPDATE t SET NAME = 'SECRET' WHERE a = 1", "NAME=SECRET", "NAME: SECRET",
            "x = f(a, NAME='SECRET')", "environ[\"NAME\"] = \"SECRET\"", "tool --NAME SECRET -v", "tool --NAME=SECRET", "{\"NAME\": \"SECRET\"}",
            "https://x.example/?a=1&NAME=SECRET&b=2", "| NAME | SECRET |", "SELECT a FROM t WHERE NAME IN ('SECRET')",
        ]),
        before in "([a-z ]{0,20}\n)?",
        secret in "[A-Za-z]{4,8}[0-9]{2,4}[A-Za-z]{1,8}",
    ) {
        let text = format!("{before}{}", form.replace("NAME", name).replace("SECRET", &secret));
        let record = redacted(&json!(text)).to_string();
        prop_assert!(!record.contains(&secret), "{text:?}\n{record}");
    }

    #[test]
    fn any_text_is_redacted_once(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
        let text = pieces.concat();
        redacted(&json!(text));
        redacted(&json!(pieces));
        redacted(&json!({ "cookies": { "a": text, "b": [text] }, "c": { "name": text, "value": text } }));
    }
}
