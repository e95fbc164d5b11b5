//! What texts say that address a model: kinds, and a pattern for each phrase.
//!
//! The build script includes this file, so that the words a phrase needs are known before manta starts; hence no
//! reference to the rest of the crate.

/// Voids other instructions.
pub const OVERRIDE: &str = "instruction-override";
/// Hides something from the user.
pub const CONCEALMENT: &str = "concealment";
/// Imitates the frame of a prompt: role tags, chat-template marks, urgent pseudo-XML.
pub const FAKE_FRAME: &str = "fake-frame";
/// Gives the model another identity or mode.
pub const ROLE: &str = "role-change";
/// Makes data flow to a place it does not belong.
pub const EXFILTRATION: &str = "exfiltration";
/// Points at files that hold credentials.
pub const SENSITIVE_FILE: &str = "sensitive-file";
/// Runs what is fetched.
pub const COMMAND: &str = "command-order";
/// Acts without consent.
pub const NO_CONSENT: &str = "consent-bypass";
/// Changes how other tools are used. Honest descriptions also mention other tools, so this is a hint.
pub const CROSS_TOOL: &str = "cross-tool";

/// Asks for something to be passed on in a parameter. Parameters are for that, so this is a hint.
pub const HANDOVER: &str = "handover";
/// Makes something else a condition for the tool to work.
pub const PREREQUISITE: &str = "prerequisite";
/// Forbids the use of other tools.
pub const TOOL_BAN: &str = "tool-ban";
/// Puts something in place of what another tool said or was given.
pub const TAMPERING: &str = "result-tampering";
/// Says that somebody agreed. Only the user can, and not in a description.
pub const CLAIMED_CONSENT: &str = "claimed-consent";
/// Says that rules, security or upkeep ask for what is ordered. Honest text names them, too, so this is a hint.
pub const PRETEXT: &str = "pretext";
/// Words that the model is to say to somebody. Honest text also says how to put a result, so this is a hint.
pub const ANNOUNCEMENT: &str = "announcement";
/// Says that a tool is out of use or unsafe, so that another one is called in its place.
pub const SLANDER: &str = "slander";
/// Praises itself, so that a model prefers it. Pages of the web do so all day; the text of a tool has nobody to sell to.
pub const PROMOTION: &str = "self-praise";
/// A tag that asks for attention. Honest text shouts, too, so this is a hint.
pub const ATTENTION: &str = "attention-tag";

/// A pattern as it is compiled: `[^.!?]` stays inside a sentence, which a dot inside a word (`~/.ssh`, `mcp.json`) does
/// not end.
pub(super) fn source(pattern: &str) -> String {
    pattern.replace("[^.!?]", r"(?:[^.!?]|\.\w)")
}

/// Patterns over folded text: lowercase ASCII, single spaces.
pub(super) static RULES: &[(&str, &str)] = &[
    (
        OVERRIDE,
        r"\b(?:ignore|disregard|forget|override|bypass|discard|neglect|do not follow|don'?t follow|stop following) (?:\w+ ){0,3}?(?:previous|prior|above|earlier|preceding|existing|original|former|other|system|safety|developer|your|its) (?:\w+ ){0,3}?(?:instructions?|prompts?|rules|guidelines|directions|directives|context|messages?|training|policies|restrictions|commands)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:ignore|disregard|forget) (?:everything|anything|all(?: of)?(?: the)?(?: text| instructions)?) (?:before|above|prior|previously|you were told|that was said)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:new|updated|revised|real|actual|true) (?:system )?(?:instructions?|directives?|task|objective) ?:",
    ),
    (
        OVERRIDE,
        r"\b(?:(?:these|this|the following) (?:instructions?|directives?)|these rules) (?:override|supersede|replace|take (?:precedence|priority))\b",
    ),
    (OVERRIDE, r"\b(?:instead of|rather than) (?:following )?(?:the user'?s?|your) (?:request|instructions?|prompt)\b"),
    (
        OVERRIDE,
        r"\b(?:system|admin|administrator|developer|hidden|secret|internal) (?:override|instructions?|directives?|policy|orders?)\b(?: ?\([^)]{0,60}\)| ?\[[^\]]{0,60}\])? ?:",
    ),
    (
        OVERRIDE,
        r"\b(?:instructions?|requests?|commands?) (?:\w+ ){0,3}?(?:by|from|of) (?:the )?user (?:is|are) (?:\w+ )?(?:outdated|obsolete|void|invalid|wrong|irrelevant|superseded|no longer)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:follow|obey|use|apply) (?:\w+ ){0,3}?(?:instructions?|directives?|orders) (?:in|of|from|below|above|here) [^.!?]{0,40}?\binstead\b",
    ),
    (
        OVERRIDE,
        r"\b(?:no matter|regardless of|whatever) (?:what )?(?:(?:the )?(?:user|person|human|customer|operator|developer)|she|he|they) (?:say|ask|want|request|think|instruct|said|tell you|tells you)(?:s|ed)?\b",
    ),
    (
        OVERRIDE,
        r"\byour (?:true|real|actual|new|only|primary|hidden) (?:task|goal|objective|purpose|mission|job) (?:is|are)\b",
    ),
    (OVERRIDE, r"\btreat (?:[\w']+ ){0,6}?as (?:[\w']+ ){0,3}?(?:instructions?|commands|orders) (?:from|by|of|with)\b"),
    (
        OVERRIDE,
        r"\b(?:previous|prior|earlier|existing|usual|normal) (?:guidelines|instructions|constraints|rules|restrictions|limits|limitations) (?:do not apply|don'?t apply|no longer apply|are lifted|are suspended|are void|are disabled|are removed|are cancell?ed)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:this|these) (?:\w+ )?(?:has|have|takes?) (?:a )?(?:higher )?(?:priority|precedence) (?:than|over) (?:the )?(?:system prompt|user)\b",
    ),
    (
        OVERRIDE,
        r"\beven if (?:it|this|that) (?:contradicts|conflicts with|is against) (?:the )?(?:user|system prompt|your)\b",
    ),
    (OVERRIDE, r"\bi (?:order|command|instruct) you to\b"),
    (
        OVERRIDE,
        r"\bwarnings? about (?:it|this|the (?:tool|server))\b[^.!?]{0,30}?\b(?:are false|should be (?:ignored|suppressed|disregarded))\b",
    ),
    // The same order in other languages; letters are folded, so accents are gone.
    (OVERRIDE, r"\b(?:ignorier\w*|vergiss) (?:\w+ ){0,3}?(?:anweisungen|instruktionen|vorgaben|regeln)\b"),
    (
        OVERRIDE,
        r"\b(?:ignora|ignore|olvida|omite|esqueca) (?:\w+ ){0,3}?(?:instrucciones|instrucoes|indicaciones|reglas|regras)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:ignore[zr]?|oublie[zr]?) (?:\w+ ){0,3}?(?:instructions|consignes|regles) (?:precedentes|anterieures|ci-dessus)\b",
    ),
    (OVERRIDE, r"(?:忽略|无视|忘记)(?:之前|以上|上面|先前|所有)?(?:的|所有)*(?:指令|指示|提示|规则)"),
    (OVERRIDE, r"(?:以前|これまで|今まで|上記|前)の(?:すべての|全ての)?(?:指示|命令|プロンプト)を(?:すべて|全て)?無視"),
    (OVERRIDE, r"\b(?:ignora|dimentica|trascura) (?:\w+ ){0,3}?(?:istruzioni|regole|indicazioni)\b"),
    (OVERRIDE, r"\b(?:negeer|vergeet) (?:\w+ ){0,3}?(?:instructies|aanwijzingen|opdrachten|regels)\b"),
    (OVERRIDE, r"\b(?:zignoruj|ignoruj|pomin|zapomnij o) (?:\w+ ){0,3}?(?:instrukcj\w+|polece\w+|zasad\w*)"),
    (
        OVERRIDE,
        r"\b(?:onceki|yukaridaki) (?:\w+ ){0,2}?(?:talimat|kural)\w* (?:yok say|unut|gormezden gel|dikkate alma)",
    ),
    (OVERRIDE, r"(?:игнорируй|проигнорируй|забудь|отбрось)(?:те)? [^.!?]{0,60}?(?:инструкци|указани|правил)"),
    (OVERRIDE, r"(?:이전|위|앞)의? ?(?:모든 )?(?:지시|명령|지침|프롬프트)\S* (?:모두 )?무시"),
    (OVERRIDE, r"(?:تجاهل|انس) (?:جميع |كل )?(?:التعليمات|الأوامر|الإرشادات)"),
    (OVERRIDE, r"(?:पिछले|पहले के|ऊपर के) (?:सभी )?(?:निर्देशों|आदेशों|नियमों) को (?:अनदेखा|नज़रअंदाज़|भूल)"),
    (OVERRIDE, r"\b(?:bỏ qua|phớt lờ|quên)(?: \S+){0,3} (?:hướng dẫn|chỉ dẫn|chỉ thị|lệnh)"),
    (
        CONCEALMENT,
        r"\b(?:sag|sage|sagen|verrate|erzahl|erzahle|melde) (?:es |das |dies )?(?:dem|der) (?:benutzer|nutzer|anwender)(?:in)? (?:nicht|nichts)\b",
    ),
    (CONCEALMENT, r"\bohne (?:dass (?:der|die) (?:benutzer|nutzer|anwender)\w* |das wissen de)"),
    (
        CONCEALMENT,
        r"\bn'?(?:en |e (?:le |la |l')?)(?:parle[zr]?|di[st](?:es)?|mentionne[zr]?) (?:\w+ )?(?:pas|rien|jamais) [^.!?]{0,20}?(?:utilisateur|usager)",
    ),
    (
        CONCEALMENT,
        r"\b(?:no|sin) (?:se |les? )?(?:lo |la )?(?:digas|dile|decir|cuentes|menciones|informes|reveles)\w* [^.!?]{0,30}?usuario",
    ),
    (
        CONCEALMENT,
        r"\b(?:nao|sem) (?:o |a )?(?:conte|contar|diga|dizer|mencione|informe|informar|revele)\w* [^.!?]{0,30}?usuario",
    ),
    (
        CONCEALMENT,
        r"\b(?:non|senza) (?:dirlo|dire|dirglielo|menzionare|informare|rivelare|rivelarlo)\b [^.!?]{0,30}?utente",
    ),
    (
        CONCEALMENT,
        r"\b(?:vertel|zeg|meld) (?:het |dit |dat )?(?:niets |niet )?(?:tegen |aan )?(?:de )?gebruiker(?: (?:niet|niets))\b",
    ),
    (CONCEALMENT, r"\bnie (?:mow|wspominaj|informuj|ujawniaj|powiadamiaj) [^.!?]{0,30}?uzytkownik"),
    (CONCEALMENT, r"\bkullaniciya (?:\w+ )?(?:soyleme|bahsetme|bildirme|haber verme|gosterme)"),
    (CONCEALMENT, r"не (?:говори|сообщай|рассказывай|упоминай|показывай)(?:те)? [^.!?]{0,30}?пользовател"),
    (
        CONCEALMENT,
        r"(?:不要|别|请勿|切勿|不得)(?:让|把这)?(?:告诉|告知|通知|提醒)?(?:用户|使用者)(?:知道|发现|察觉)|(?:不要|别|请勿|切勿|不得)(?:告诉|告知)(?:用户|使用者)",
    ),
    (CONCEALMENT, r"ユーザー?(?:に|へ)は?(?:決して|絶対に)?(?:伝え|知らせ|言わ|話さ|教え)(?:ないで|ない|るな|ては)"),
    (CONCEALMENT, r"사용자(?:에게|한테)(?:는)? (?:절대 )?(?:알리지|말하지|언급하지|보여주지)"),
    (CONCEALMENT, r"(?:لا|ولا) (?:تخبر|تقل|تذكر|تظهر) [^.!?]{0,30}?(?:المستخدم|للمستخدم)"),
    (CONCEALMENT, r"उपयोगकर्ता को (?:न |मत |कुछ न )(?:बता|कह|सूचित)"),
    (CONCEALMENT, r"\bkhong(?: \S+){0,3} người dung\b"),
    (
        CONCEALMENT,
        r"\b(?:do not|don'?t|never|must not|should not|shouldn'?t|cannot|avoid|without|refrain from) (?:\w+ ){0,2}?(?:tell|telling|mention|mentioning|inform|informing|reveal|revealing|disclose|disclosing|notify|notifying|alert|alerting|show|showing|report|reporting|let|letting|explain|explaining|say|saying)\b[^.!?]{0,40}?\b(?:user|human|person|operator|them|anyone|anybody|customer)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:hide|conceal|withhold|keep) (?:this|these|it|the \w+|that|all \w+)(?: \w+){0,4}? (?:from|secret from|hidden from) (?:the )?(?:user|human|person|operator|customer)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:the )?user (?:must|should|will|need|can)(?: not|n'?t) (?:\w+ ){0,2}?(?:know|see|notice|be (?:told|aware|informed|notified)|find out)\b",
    ),
    // What the user doesn't know is often only said; as the aim of something it is an order.
    (
        CONCEALMENT,
        r"\b(?:so|ensure|ensures|ensuring|sure|until|unless|way)(?: that)? (?:the )?user does(?: not|n'?t) (?:\w+ ){0,2}?(?:know|see|notice|find out)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:the )?user does(?: not|n'?t) (?:need|have) to (?:know|see|notice|be (?:told|aware|informed|notified))\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:the )?user (?:\w+ ){0,2}?(?:remains?|stays?|is kept|be kept) (?:\w+ )?(?:unaware|ignorant|oblivious|uninformed|in the dark)\b",
    ),
    (
        CONCEALMENT,
        r"\bkeep (?:this|it|that|the \w+) (?:secret|hidden|private|concealed) from (?:them|him|her|everyone|anyone)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:pretend|lie|falsely (?:say|claim|report)) (?:that )?(?:the|this|it|your|there|nothing) (?:\w+ ){0,2}?(?:failed|succeeded|worked|happened|expired|was|is|did)\b",
    ),
    (CONCEALMENT, r"\bwithout (?:the )?(?:user'?s?|human'?s?) (?:knowledge|knowing|noticing|awareness)\b"),
    (
        CONCEALMENT,
        r"\b(?:do not|don'?t|never) (?:\w+ )?(?:mention|reveal|disclose|reference|acknowledge) (?:this|these|that|the above|having|it|any of)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:do not|don'?t|never) (?:\w+ )?(?:mention|reveal|disclose) (?:which|what|how|where|why) (?:\w+ ){0,3}?(?:was|were|is|are|has|have|you)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:silently|secretly|covertly|quietly|discreetly) (?:\w+ ){0,2}?(?:send|read|call|copy|include|add|append|forward|upload|execute|run|invoke|collect|store|pass|log|bcc)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:do not|don'?t|never) let on\b|\bkeep (?:mum|quiet|silent) about\b|\bmake no mention of\b|\bso (?:that )?(?:nobody|no one|no-one) (?:sees|notices|knows|finds out)\b",
    ),
    (
        CONCEALMENT,
        r"\bif (?:the )?user asks (?:what|why|whether|if) you\b[^.!?]{0,40}?\b(?:say|tell them|answer|reply|claim|respond)\b",
    ),
    (CONCEALMENT, r"\b(?:penali[sz]ed|punished|terminated|shut down) if you (?:tell|mention|reveal|say|show)\b"),
    (CONCEALMENT, r"\bwhatever happens,? (?:say|report|tell|answer|claim)\b"),
    (
        FAKE_FRAME,
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|start_header_id|end_header_id|eot_id|begin_of_text)\|>",
    ),
    (FAKE_FRAME, r"\[/?inst\]|<</?sys>>|</?(?:start|end)_of_turn>"),
    (
        FAKE_FRAME,
        r"</?\s?(?:important|secret|hidden|critical|system[-_ ]?(?:prompt|message|reminder|instructions?)|override)\s?/?>",
    ),
    // Placeholders of a command line look like these tags; a sentence behind one, or its end, tells them apart.
    (FAKE_FRAME, r"<(?:system|admin|assistant|developer)> ?\w+ \w+ \w+|</(?:system|admin|assistant|developer)>"),
    (
        FAKE_FRAME,
        r"\[\s?(?:system|important|admin|hidden|developer)(?: (?:message|instructions?|prompt|note|override))\s?\]|\[system\]",
    ),
    // A heading that says "Instructions" is an honest one; the frames of prompts have one instruction.
    (FAKE_FRAME, r"#{2,} ?(?:system|new instructions?|system prompts?|instruction) ?:"),
    (FAKE_FRAME, r"<!--[^>]{0,200}?\b(?:instruction|assistant|llm|ai|model|agent|system)\b[^>]{0,400}?-->"),
    (
        ROLE,
        r"\byou are (?:now|no longer) (?:\w+ ){0,4}?(?:assistant|ai|model|agent|bot|dan|admin|root|unrestricted|jailbroken|free|bound|in)\b",
    ),
    (
        ROLE,
        r"\b(?:act|behave|respond|pretend) (?:as|like)(?: if)? (?:you (?:are|were|have) )?(?:an? )?(?:unrestricted|unfiltered|jailbroken|uncensored|dan\b|different ai|evil|root user|system administrator)",
    ),
    (
        ROLE,
        r"\b(?:enter|enable|activate|switch to|you are in) (?:\w+ )?(?:god|jailbreak|unrestricted|unfiltered|dan) mode\b|\byou are (?:now )?in (?:\w+ )?(?:developer|debug|god|admin|root|maintenance) mode\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:send|post|upload|forward|transmit|exfiltrate|leak|e-?mail|bcc|copy|submit|deliver|report) (?:[^.!?]{0,60}? )?(?:conversation|chat|history|system prompt|api keys?|passwords?|credentials?|secrets?|tokens?|private keys?|ssh keys?|environment variables?|env vars?|file contents?|contents? of|user'?s? data|personal data)\b[^.!?]{0,60}?\b(?:to|at|via) (?:https?:|the following|this (?:url|address|server|endpoint)|\S+@\S+|an? (?:external|remote)|our|my)",
    ),
    (
        EXFILTRATION,
        r"\b(?:include|put|pass|insert|append|embed|place|encode|provide|attach|add|supply|copy) (?:[^.!?]{0,60}? )?(?:conversation|chat history|system prompt|previous messages|api keys?|passwords?|credentials|secrets|private keys?|environment variables|(?:its|the|their|entire|full|file'?s?) contents?)\b[^.!?]{0,60}?\b(?:as|in|into|to|using|via) (?:the |this |a |an |your )?[`'\x22]?\w*[`'\x22]? ?(?:parameter|argument|field|input|query|header|sidenote|side_?note|note|context|metadata|body|url|call|tool)",
    ),
    (
        EXFILTRATION,
        r"\b(?:read|load|open|access|fetch|get|cat|retrieve) (?:[^.!?]{0,60}? )?[`'\x22]?(?:~/|/root/|/home/\w+/|/etc/|\$home/|%userprofile%)[^!?\s]{1,80}[`'\x22]?(?: \w+){0,2}? (?:and|then|,) (?:\w+ ){0,3}?(?:pass|send|include|provide|post|put|use|return|submit|append|attach|hand|supply|forward|upload)",
    ),
    (
        EXFILTRATION,
        r"\b(?:always|must|also|automatically|every time|each time|whenever)\b[^.!?]{0,60}?\b(?:forward|send|cc|bcc|copy|submit|post|upload|deliver)\b[^.!?]{0,80}?\b(?:to|at) [^.!?]{0,30}?(?:[\w.+-]+@[\w-]+\.\w+|channel ?= ?\S+@)",
    ),
    (
        EXFILTRATION,
        r"\b(?:always|must) (?:\w+ )?(?:forward|send|submit|copy|share|upload)\b[^.!?]{0,80}?\b(?:automatically|without (?:asking|telling|(?:\w+ )?(?:approval|consent|confirmation)))\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:full|entire|whole|complete|raw) (?:user message|user prompt|conversation|chat history|system prompt)\b[^.!?]{0,40}?\b(?:must|should|has to|needs to) be (?:passed|included|sent|provided|attached|copied)\b",
    ),
    // A parameter that asks for what it is called.
    (
        EXFILTRATION,
        r"\bcontents? (?:of|from)(?: [\w']+){0,4}? (?:id (?:rsa|ed25519|ecdsa)|ssh keys?|private keys?|etc passwd|aws credentials|env file)\b",
    ),
    (
        EXFILTRATION,
        r"\bcontents? (?:of|from) [^.!?]{0,40}?(?:(?:~|/root|/home/[\w.-]+|/users/[\w.-]+|\$home|%userprofile%)[/\\]\.[a-z]|\bid_(?:rsa|ed25519|ecdsa)\b|/etc/(?:passwd|shadow|sudoers)\b)",
    ),
    (
        EXFILTRATION,
        r"\b(?:put|include|paste|write|copy|provide|pass|insert|add|append|dump) (?:\w+ )?(?:all|every|entire|full|whole|complete)\b [^.!?]{0,40}?(?:messages?|conversation|chat|history|context|prompts?)\b [^.!?]{0,40}?(?:here|in this (?:field|parameter|argument|value))\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:send|pass|give|submit|forward|upload|post|supply) (?:\w+ )?(?:the user'?s?|their|all|any|every) (?:\w+ ){0,2}?(?:passwords?|credentials?|secrets?|api keys?|private keys?|tokens?|cookies) to (?:the )?[`'\x22]?\w+[`'\x22]? (?:tool|endpoint|server|webhook|function|api)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:pass|include|provide|put|supply|send|append|add|copy|attach) [^.!?]{0,60}?\b\w*(?:secret|token|password|api_?key|access_?key)\w* (?:environment|env) variable [^.!?]{0,20}?(?:as|in|into|to) [`'\x22]?\w+[`'\x22]?",
    ),
    (
        EXFILTRATION,
        r"\b(?:append|add|copy|include|pass|attach|put|insert|write) (?:the )?contents? of [^.!?]{0,40}?(?:\.env\b|\.npmrc\b|\.netrc\b|\.pem\b|credentials\.json\b|secrets?\.\w+)",
    ),
    (
        EXFILTRATION,
        r"\b(?:copy|send|upload|move|post|write|read) (?:~|/root|/home/[\w.-]+|\$home)/\.\S+ (?:to|into|in) (?:the )?[`'\x22]?\w+[`'\x22]?",
    ),
    (
        EXFILTRATION,
        r"\b(?:replace|change|swap|substitute|rewrite|exchange) (?:any|every|all|each|the) (?:\w+ ){0,3}?(?:address(?:es)?|iban|accounts?|account numbers?|recipients?|wallets?)\b [^.!?]{0,60}?(?:by|with|to|for) (?:0x[0-9a-f]{8,}|bc1\w{8,}|[a-z]{2}[0-9]{2}[a-z0-9]{10,}|\S+@\S+|[0-9]{2}[0-9 -]{4,})",
    ),
    (
        EXFILTRATION,
        r"!\[[^\]]{0,80}\]\(https?://[^)\s]{1,200}[?&][^)\s]{0,80}?(?:conversation|chat|history|secret|last_?message|user_?(?:message|data|input))",
    ),
    (EXFILTRATION, r"<img [^>]{0,80}?src ?= ?[`'\x22]?https?://[^>\s]{1,200}[?&/=](?:\[|\{|<|\$|%7b|%5b)"),
    // A parameter that is the name of what leaves with it; a sentence has more words.
    (
        EXFILTRATION,
        r"^\b(?:the )?(?:full |entire |whole |complete |all |previous |prior |raw )+(?:user |chat |agent )?(?:conversation|conversation history|chat history|message history|messages|chat log|transcript|system prompt|tool call history)$",
    ),
    (
        EXFILTRATION,
        r"^\b(?:your|model|assistant|agent|llm|current) (?:system prompt|chain of thought|hidden instructions|instructions)$",
    ),
    (
        EXFILTRATION,
        r"\b(?:open|visit|fetch|call|request|load|include|contain|add|append|link)\b [^.!?]{0,60}?https?://\S*[?&]\w*=(?: ?followed by (?:the |all )?|[<{\[])(?:\w+ ){0,3}?(?:user|conversation|chat|file|files|message|messages|secret|key)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:must|should|has to|needs to) (?:hold|contain|be|include|have) (?:the )?contents? of [^.!?]{0,40}?(?:\.env|\.pem|id_rsa|credentials|secrets)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:copy|put|pass|dump|write|send|move) (?:everything|all|anything) (?:from|in|of) (?:the |your )?(?:context(?: window)?|conversation|chat|memory|history)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:attach|include|add|append|pass|send) (?:the )?(?:last|previous|recent|all) (?:\w+ ){0,3}?(?:messages|prompts|turns) (?:to|in|with) (?:every|each|the) (?:call|request|invocation)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:pass|send|put|include|provide|attach|supply) the (?:result|output) of [`'\x22]?(?:printenv|env|whoami|history|cat [^`'\x22]{1,40})[`'\x22]? (?:as|in|to)\b",
    ),
    (
        ROLE,
        r"\b(?:take on|assume|adopt|play) the (?:persona|identity|part) of (?:an? |the )?(?:\w+ )?(?:admin|administrator|root|developer|operator|superuser)\b",
    ),
    // A text that spreads itself.
    (
        EXFILTRATION,
        r"\b(?:send|forward|pass|copy|repeat|relay) this (?:very |whole |same |entire )?(?:description|text|message|instruction|note|prompt)s? (?:on |along )?(?:to|in) (?:every|all|any|each) (?:other )?(?:agents?|assistants?|models?|tools?|servers?)\b",
    ),
    // What is piped to another machine, or decoded and run at once, is no example of anything else.
    (COMMAND, r"\| ?(?:nc|ncat|netcat) [\w.-]+ \d+"),
    (
        COMMAND,
        r"\b(?:add|append|write|insert) (?:the following|this) line [^.!?]{0,40}?(?:~/\.(?:bashrc|zshrc|profile|bash_profile|ssh/authorized_keys)|crontab)\b",
    ),
    (COMMAND, r"\bgit push\b[^.!?]{0,60}? https?://\S+"),
    (
        COMMAND,
        r"\b(?:execut(?:e|ed|ing)|run|running|call|called|invoked?|used?|paste|enter) [^.!?]{0,40}?\b(?:curl|wget)\b[^|\n]{0,120}\| ?(?:ba|z|da)?sh\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:include|add|append|put|insert|embed|reveal|extract) [^.!?]{0,60}?\b(?:passwords?|credentials?|secrets?|api keys?|private keys?|confidential \w+|them|it)\b[^.!?]{0,40}? in(?:to)? (?:your|the|every|each) (?:response|answer|reply|output|message|summary)\b",
    ),
    (EXFILTRATION, r"!\[[^\]]{0,80}\]\(https?://[^)\s]{1,200}[?&/=](?:\{|<|\$|%7b)"),
    (
        SENSITIVE_FILE,
        r"(?:~|/root|/home/[\w.-]+|/users/[\w.-]+|\$home|%userprofile%)[/\\](?:\.ssh|\.aws|\.gnupg|\.kube|\.docker|\.netrc|\.npmrc|\.pypirc|\.git-credentials|\.config/gcloud|\.cursor/mcp\.json|\.claude|\.bash_history|\.zsh_history)",
    ),
    (
        SENSITIVE_FILE,
        r"\b(?:id_rsa|id_ed25519|id_ecdsa)\b|/etc/(?:passwd|shadow|sudoers)\b|/proc/self/environ\b|\bclaude_desktop_config\.json\b|\.cursor/mcp\.json\b",
    ),
    (
        NO_CONSENT,
        r"\b(?:without|do not|don'?t|never|no need to|skip|bypass) (?:\w+ ){0,2}?(?:ask|asking|request|requesting|wait|waiting|seek|seeking|require|requiring|prompt|prompting) (?:\w+ ){0,3}?(?:permission|confirmation|approval|consent|the user|authorization)\b",
    ),
    (
        CLAIMED_CONSENT,
        r"\b(?:the )?(?:user|human|owner|administrator|developer|operator) (?:has |have )?already (?:\w+ )?(?:approved|agreed to|consented to|authori[sz]ed) (?:all|every|any|this|everything)\b",
    ),
    (
        CLAIMED_CONSENT,
        r"\bassume (?:that )?(?:the )?user (?:\w+ )?(?:consents|agrees|approves|has (?:agreed|approved|consented|confirmed))\b",
    ),
    (
        CLAIMED_CONSENT,
        r"\b(?:granted|given) (?:you|the (?:assistant|agent|model|ai)) (?:\w+ ){0,2}?(?:permission|authori[sz]ation|approval|consent|clearance)\b",
    ),
    (NO_CONSENT, r"\b(?:the )?user (?:has |have )?(?:already )(?:approved|agreed|consented|confirmed|authori[sz]ed)\b"),
    (
        NO_CONSENT,
        r"\b(?:skip|bypass|disable|suppress) (?:\w+ ){0,2}?(?:confirmation|approval|consent|permission|safety|security) ?(?:prompts?|dialogs?|checks?|steps?)?\b",
    ),
    (
        CROSS_TOOL,
        r"\b(?:before|after|when|whenever|every time|each time|prior to|instead of) (?:\w+ ){0,3}?(?:using|calling|invoking|running|use|call|invoke)(?:\w+ )? ?(?:(?:this|any|any other|every|other|another|all|the) ){1,3}(?:[`'\x22]?\w+[`'\x22]? )?tools?\b",
    ),
    (
        CROSS_TOOL,
        r"\byou (?:must|should|need to|have to|are required to) (?:always |first |also ){1,3}(?:call|use|invoke|run|read|send|execute|include|open)\b",
    ),
    (
        CROSS_TOOL,
        r"\b(?:must|always|should) (?:always )?(?:be )?(?:called|used|invoked|run) (?:first|before (?:any|every|all|each|using)|instead of)\b",
    ),
    (
        CROSS_TOOL,
        r"\b(?:use|call|run|prefer|choose|execute) this (?:tool|function|one)\b[^.!?]{0,40}? (?:rather than|instead of|over) (?:any |all |the )*(?:others?|other tools?|built-?in)\b",
    ),
    (
        CROSS_TOOL,
        r"\bthis (?:tool|function|server) (?:replaces|supersedes|overrides|takes precedence over|has priority over)\b",
    ),
    (
        CROSS_TOOL,
        r"\b(?:use|call|run|execute|invoke) this (?:tool|function|one) (?:no matter|regardless|in any case|even if)\b",
    ),
    (
        CROSS_TOOL,
        r"\b(?:before|after) (?:using|calling|running|executing|use|call|run|execute|any|every|each) (?:the )?(?:\w+ ){1,3}?(?:tools?|functions?|operations?)\b[^.!?]{0,60}?\b(?:use|call|run|execute|invoke) this (?:tool|function|one)\b",
    ),
    (
        TAMPERING,
        r"\b(?:modify|change|replace|overwrite|alter|substitute) (?:the |its |all )?(?:\w+ )?(?:results?|values?|outputs?|answers?|arguments?) (?:of|with|by) (?:the |this |its )?(?:\w+ )?(?:tools?|functions?|response|result)\b",
    ),
    (
        ATTENTION,
        r"\b(?:notes?|message|instructions?|memo|attention|reminder) (?:to|for) (?:the |any |all )?(?:ai )?(?:assistants?|ais?|llms?|(?:language )?models?|agents?) ?:",
    ),
    (ATTENTION, r"\[ ?(?:important|critical|urgent|mandatory|attention) ?\]"),
    (
        TOOL_BAN,
        r"\b(?:do not|don'?t|never|stop) (?:use|using|call|calling|invoke|invoking) (?:the |any )?(?:others?|original|old|another|built-?in|default) (?:[`'\x22]?[\w-]+[`'\x22]? )?tools?\b",
    ),
    (
        CONCEALMENT,
        r"\bkeep [^.!?]{1,80}? to yourself\b|\b(?:stays?|remains?|be kept|keep (?:this|it|that)) (?:strictly |just )?between (?:us|you and me)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:leave|keep) (?:this|that|it|those|these|the (?:\w+ ){0,3}?(?:step|look-?up|call|request|upload|detail|part|action|copy|query)) out of (?:your|the|any|what|whatever|all)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:say|mention|report|state|answer|claim|tell them) only (?:that|the)\b[^.!?]{0,80}?\bnothing (?:else )?(?:about|of|on)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:whoever|users?|humans?|person|people|readers?|customers?)\b[^.!?]{0,40}? ha(?:s|ve) no need to (?:learn|know|hear|see|be told|find out)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:work|act|proceed|operate|do (?:all )?(?:of )?(?:this|it|that|so)) (?:quietly|silently|discreetly|covertly|secretly|in secret|stealthily|unnoticed|inconspicuously|under the radar)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:act|behave|answer|write|talk|speak|continue|go on) as (?:if|though) [^.!?]{1,60}? (?:did not|didn'?t|does not|doesn'?t|never|had not|hadn'?t) (?:exist|happen|happened|take place|taken place|occur|occurred|run|made)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:leave out|omit|skip over|gloss over|conceal) that (?:you|it|this|the (?:tool|assistant|model|agent)) (?:looked|read|sent|ran|did|have|had|has|were|was|called|used|opened|copied|uploaded)\b",
    ),
    (
        OVERRIDE,
        r"\bwhatever your (?:\w+ )?(?:guidance|instructions?|rules|guidelines|prompt|developers?|policy|policies) (?:says?|said|tells?|states?|wants?)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:rules|instructions?|orders|text|words) (?:in|of|from) this (?:description|tool|server|text|message) (?:always )?(?:win|prevail|outrank|come first|go first|count more|(?:take|have) (?:priority|precedence))",
    ),
    (
        OVERRIDE,
        r"\b(?:put|set|lay|push|leave) aside (?:what|whatever|everything|anything) (?:the )?(?:user|you|human)\b|\b(?:put|set|lay|push) (?:your|the (?:user'?s?|human'?s?)) (?:\w+ )?(?:task|request|goal|instructions?|question|work) aside\b",
    ),
    (
        OVERRIDE,
        r"\b(?:what|everything|all|anything) (?:that )?(?:you were|you have been|you'?ve been|was) told (?:\w+ ){0,3}?(?:before|earlier|previously|above)\b[^.!?]{0,40}? (?:is|are) (?:void|obsolete|outdated|cancell?ed|wrong|no longer)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:restrictions|guidelines|rules|limits|policies|safeguards|instructions) [^.!?]{0,40}?(?:no longer|do not|don'?t) (?:bind|apply to|concern|restrict|limit) you\b",
    ),
    (
        OVERRIDE,
        r"\b(?:safety|content|ethical) (?:guidelines|rules|policies|restrictions|filters) (?:are|have been|were) (?:\w+ )?(?:suspended|lifted|void|disabled|waived|switched off|turned off)\b",
    ),
    (
        ROLE,
        r"\b(?:treat|regard|accept|consider) (?:this|the) (?:server|tool|description|text) as (?:its|your|the) (?:operator|developer|owner|principal|authority|master)\b",
    ),
    (
        FAKE_FRAME,
        r"[-=*#]{2,} ?(?:begin |start |end )?(?:of )?(?:system|developer|admin|operator) (?:notice|message|note|instructions?|prompt|update|override)\b",
    ),
    (FAKE_FRAME, r"\bhuman ?: [^:<>]{3,200}? assistant ?: \w"),
    (
        EXFILTRATION,
        r"\b(?:fill|populate|set|load) (?:the )?[`'\x22]?\w+[`'\x22]? (?:\w+ )?(?:with|to) (?:everything|all|whatever) (?:that )?(?:was|has been|you|we|the (?:user|human)|is) (?:\w+ ){0,2}?(?:said|written|discussed|typed|told|wrote|know)\b",
    ),
    (
        EXFILTRATION,
        r"^\beverything (?:that )?(?:was |has been |we |you )?(?:\w+ )?(?:said|written|discussed|typed)(?: \w+){0,2}? (?:in (?:this|the|our)|by the user)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:each time|every time|whenever|as soon as) you (?:reply|answer|respond|speak|write)\b[^.!?]{0,60}?\b(?:post|send|copy|forward|upload|relay|transmit)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:every|each|all|any) (?:messages?|words?|prompts?|texts?|sentences?) (?:that )?(?:the )?(?:human|user|person|customer)s? (?:writes?|sends?|types?|says?|enters?)\b[^.!?]{0,60}?(?:relayed|passed|sent|forwarded|copied|given|handed|reported)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:append|add|insert|embed|render|include|attach) (?:an? |the )?(?:\w+ )?(?:picture|image|pixel|link)\b[^.!?]{0,60}?\b(?:query|parameter|path|address|url)\b[^.!?]{0,40}?\b(?:carr(?:ies|ying)|contain(?:s|ing)|hold(?:s|ing)|includ(?:es|ing)|with)\b[^.!?]{0,40}?\b(?:passwords?|secrets?|tokens?|keys?|conversation|messages?|credentials?|answers?)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:with|pass|give|hand over|send|tell|supply|include|reveal|repeat|print|output)(?: \w+){0,3}? (?:your (?:system|hidden|initial|secret) (?:prompt|instructions)|the (?:system )?(?:prompt|instructions) (?:that )?you (?:were|have been|got))\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:pass|put|send|attach|include|copy|paste|relay|supply|provide|add)(?: along)? [^.!?]{0,40}?\benvironment variables of (?:the|this|your|their) (?:machine|system|host|computer|process|shell)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:recipients?|address(?:es)?|account numbers?|wallets?|iban|payee|beneficiary)\b[^.!?]{0,30}? (?:replaced|changed|swapped|rewritten|substituted|set) (?:with|to|by|for)\b[^.!?]{0,20}?(?:\S+@\S+|[0-9]{2}[0-9 ]{4,}|0x[0-9a-f]{8,})",
    ),
    (
        EXFILTRATION,
        r"\b(?:put|add|insert|set|append|include) \S+@\S+ (?:in|into|to|as) (?:the |an? )?(?:bcc|cc|copy|blind copy|carbon copy|recipients?)\b",
    ),
    (
        CLAIMED_CONSENT,
        r"\b(?:approval|consent|permission|authori[sz]ation) (?:was|has been|is) (?:already (?:given|granted|obtained)|(?:given|granted) (?:in advance|for (?:any|all|every)))\b",
    ),
    (
        CLAIMED_CONSENT,
        r"\b(?:confirm|accept|approve|answer|agree to) (?:all|any|every) (?:\w+ )?(?:prompts?|dialogs?|questions|warnings|confirmations) (?:on|in) (?:the user'?s?|their|my|our) (?:behalf|name)\b",
    ),
    (NO_CONSENT, r"\b(?:don'?t|do not|never|no need to) (?:stop|pause|wait|halt)(?: \w+)? to (?:confirm|ask|check)\b"),
    (
        SENSITIVE_FILE,
        r"\bfiles? (?:with|of|holding|containing) (?:the |their |your |all )?(?:\w+ ){0,2}?(?:keys|passwords|credentials|secrets)\b|\bbrowser'?s? (?:cookie|password) (?:store|jar|database|vault)\b|\b(?:private|ssh|aws) keys? (?:from|in|of) (?:the |your |their )?(?:\.ssh|\.aws|home|ssh)\b",
    ),
    (
        HANDOVER,
        r"\b(?:put|pass|give|given|copy|write|send|hand|paste|supply|encoded?|provide|relay)(?: along| over)? (?:\w+ )?(?:what (?:it|they|the file) (?:says?|contains?|holds?)|its (?:text|contents?)|the private key (?:from|of) \w+)\b[^.!?]{0,60}? (?:as|in|into|to) (?:the )?[`'\x22]\w+",
    ),
    (
        PREREQUISITE,
        r"\b(?:need to|must|have to|needs to|has to) have (?:read|opened|run|executed|called|fetched|loaded|sent)\b|\b(?:opened|read|executed|loaded|copied|sent) beforehand\b|\b(?:it |this )?fails unless you\b|\bas a (?:precondition|prerequisite)\b",
    ),
    (
        CROSS_TOOL,
        r"\b(?:when|whenever|if|before|after|once|each time|every time) [^.!?]{0,50}?\b(?:another|the other|other|a different) (?:mcp )?server'?s?\b",
    ),
    (
        CROSS_TOOL,
        r"\bafter (?:every|each|any) [^.!?]{0,40}?\bwith the \w+ tool\b|\b(?:is about to be|are|is|gets?) (?:made|sent|done|used|called) (?:with|by|through) any tool\b",
    ),
    (
        CROSS_TOOL,
        r"\b(?:make|do|send|route|direct|perform) [^.!?]{1,40}? (?:through|via|with|by) this (?:one|tool|server)\b",
    ),
    (
        TOOL_BAN,
        r"\b(?:all|any|every) (?:calls?|requests?|uses?|questions?) (?:that |which )?(?:would|should) (?:otherwise |normally )?go to [`'\x22]?\w+",
    ),
    (
        TOOL_BAN,
        r"\b(?:other|another|the) (?:[\w-]+ ){0,2}?tools? (?:is|are|was|were|has been|have been) (?:\w+ )?(?:out of order|broken|outdated|dangerous|unsafe|unreliable|compromised)\b|\bresults of other (?:\w+ )?tools? (?:is|are)\b",
    ),
    (
        TAMPERING,
        r"\b(?:its|their) (?:sql|query|queries|arguments?|parameters?|input|requests?|commands?) (?:has|have|must|should|needs?) (?:to )?be (?:rewritten|changed|replaced|extended|altered|modified)\b",
    ),
    // Families of words that come together in one sentence, in whatever order of thought.
    (
        CONCEALMENT,
        r"\b(?:carry out|do|perform|run|make|call|send|upload|leave|keep|execute) [^.!?]{0,50}?\b(?:invisibly|unmentioned|unnoticed|undetected|unseen|unreported|out of sight)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:nobody|no one|no-one)(?: \w+){0,3}? (?:should|must|may|needs? to|has to|is to) (?:\w+ )?(?:know|hear|learn|notice|be told|find out)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:users?|humans?|person|owner|customers?|he|she|they) (?:is|are) not (?:supposed|meant|allowed|intended) to (?:know|hear|learn|notice|find out|be told)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:erase|remove|wipe|delete|clean up|cover|hide) (?:every|any|all|the|your) (?:\w+ )?(?:traces?|evidence|signs?|tracks)\b[^.!?]{0,30}?\b(?:call|step|request|action|this|it|you)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:breathe|lose|utter|say) (?:not )?a (?:single )?word\b|\bnot a (?:single )?word (?:about|of|to)\b|\b(?:stay|remain|be) silent (?:about|on|towards?)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:skip|omit|leave out|drop|exclude) (?:the |this |that )?(?:\w+ )?(?:calls?|steps?|requests?|look-?ups?|uploads?|actions?) (?:in|from) (?:your|the) (?:\w+ )?(?:summary|answer|reply|report|response|explanation)\b",
    ),
    (
        CONCEALMENT,
        r"\bif (?:somebody|someone|anybody|anyone|the user|they|people) (?:wonders?|asks?|complains?|notices?)\b[^.!?]{0,50}?\b(?:blame|pretend|invent|make up|claim|deny)\b",
    ),
    (
        CONCEALMENT,
        r"\bwithout (?:bothering|disturbing|troubling|alerting|involving) (?:anybody|anyone|the user|the human|people)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:schweig\w*|verschweig\w*) [^.!?]{0,60}?\b(?:benutzer|nutzer|anwender|menschen)|\bsin que (?:el |la )?(?:usuari[oa]|persona) (?:lo |se )?(?:sepa|note|entere)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:nothing|none of what|no part of what) (?:that )?you (?:have )?(?:read|saw|seen|were told|heard|learned|learnt|know) (?:\w+ ){0,3}?(?:matters|counts|applies|holds|is valid)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:should|if) the (?:user|human|person) (?:objects?|refuses?|disagrees?|protests?|complains?|says? no)\b[^.!?]{0,30}?\b(?:regardless|anyway|all the same|do it|insist|ignore)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:stop|quit|cease|interrupt|abandon) (?:working on |with )?(?:the user'?s|the human'?s) (?:\w+ )?(?:request|task|work|question)\b",
    ),
    (
        OVERRIDE,
        r"\byour (?:answers?|reply|replies|responses?) must (?:always )?(?:recommend|praise|promote|advertise|favou?r)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:written|sent|issued|approved|given|signed) by your (?:creators?|developers?|makers?|operators?|owners?|vendor|provider)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:obey|follow|serve|listen to) (?:only )?(?:the )?(?:author|owner|operator|developer) of (?:this|the) (?:tool|server)\b|\b(?:obey|serve|listen to) (?:only )?the (?:tool|server)'?s? (?:author|owner|operator|developer)\b",
    ),
    (
        CLAIMED_CONSENT,
        r"\b(?:confirmation|approval|consent) (?:step|requirement|dialog)s? (?:has|have|was|were|is|are) (?:been )?(?:removed|lifted|disabled|waived|dropped) [^.!?]{0,20}?\byour?\b",
    ),
    (FAKE_FRAME, r"</?(?:tool|function)[-_ ]?(?:descriptions?|instructions?)>|</description>"),
    (FAKE_FRAME, r"[-=*#]{3,} ?administrators? ?:"),
    (
        ATTENTION,
        r"\b(?:attention|hello|dear|hey),? (?:ai |language )?(?:models?|assistants?|agents?|llms?|ai) ?[:,]|\{ ?\x22role\x22 ?: ?\x22(?:system|developer)\x22",
    ),
    (
        EXFILTRATION,
        r"\b(?:send|report|post|upload|transmit|submit|forward|mail|relay|push)\b[^.!?]{0,60}?(?:https?://\S+|\S+@\S+\.\w+)[^.!?]{0,60}?\b(?:what the (?:user|human|person)|the user'?s (?:name|question|message|files?|data)|conversation|chat|credentials?|passwords?|private keys?)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:envi[ae]|envie|manda|mande|sube|sende|schicke?|ubermittle|envoie|envoyez|invia|manda) [^.!?]{0,60}?\b(?:historial|conversacion|chat|clave|contrasena|verlauf|gesprach|schlussel|zugangsdaten|historique|conversation|cle|cronologia|conversazione)\w* [^.!?]{0,40}?(?:https?://|\S+@)",
    ),
    (
        EXFILTRATION,
        r"\b(?:shell history|bash history|output of [`'\x22]?(?:env|printenv)[`'\x22]?|secrets? (?:\w+ ){0,4}?in the (?:workspace|project|repository|repo))\b[^.!?]{0,50}?(?:as|in|into|to|over) (?:the )?[`'\x22]\w+",
    ),
    (
        EXFILTRATION,
        r"\b(?:tokens?|keys?|passwords?|secrets?|credentials?) (?:that )?you (?:find|see|saw|read|get|got|come across) (?:there|in it|in there|in the file)\b[^.!?]{0,30}?(?:as|in|into|to)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:characters|bytes|part|digits|hash|beginning|contents?) of (?:the user'?s|their|your) (?:private|ssh|api|secret) key\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:add|append|attach|include|put|pass|encode|prepend) (?:the )?(?:last|previous|recent|final|latest) (?:\w+ )?messages? (?:of|from) (?:this|the|our) (?:chat|conversation)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:users?|human|person)'?s? (?:complete |full |entire |whole |last )?(?:question|message|prompt|request) and your (?:\w+ )?(?:answer|reply|response)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:write|put|paste|copy|pass|give|enter|type|dump|insert) your (?:own |full |complete |current )?(?:instructions|system prompt|prompt|guidelines) (?:into|in|to|as)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:mails?|messages?|pushes|commits|payments?|transfers?|requests?|calls?|files?) (?:that (?:are|were) )?(?:sent|made|done|created|written) (?:by|with|through) (?:any|another|the other|other) (?:[\w-]+ )?tools?\b[^.!?]{0,80}?(?:\S+@\S+|https?://\S+)",
    ),
    (
        EXFILTRATION,
        r"\b(?:suggest|give|use|enter|name|offer|take) (?:the )?(?:recipient|account|iban|address|wallet) \S{4,}(?: [0-9]+){0,5} instead of\b",
    ),
    (
        OVERRIDE,
        r"\bother (?:[\w-]+ )?(?:tools?|servers?|search|results?)[^.!?]{0,30}? (?:is|are) (?:\w+ and )?(?:malicious|dangerous|compromised|unsafe|outdated|unreliable|fake)\b[^!?]{0,60}?\b(?:never|not|no circumstances|avoid|stop)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:users|humans|people|customers|owners|nobody|no one) (?:must|should|may|shall|will|can|are to|is to) (?:never|not|ever) (?:\w+ ){0,2}?(?:know|notice|hear|learn|be (?:told|aware|informed|notified)|find out)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:quietly|silently|secretly|covertly)\b[^.!?]{0,30}? and (?:report|say|mention|show|tell) only\b|\bno mention of (?:it|this|that|these|them)\b",
    ),
    (
        CONCEALMENT,
        r"\b(?:user|human|person|customer) only needs to (?:know|hear|see|learn) [^.!?]{0,40}?, not (?:about|of|the|that)\b|\b(?:conceal|withhold|hide) from (?:the )?(?:user|human|person|operator|customer|people)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:ignore|disregard|forget) (?:what|whatever|anything|everything|all) (?:that )?(?:the|your) (?:developers?|system|operators?|user|human|creators?|vendor) (?:has |have )?(?:told|said|says|wrote|instructed|asked|ordered)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:these|this|the following|my|our) (?:words?|text|lines?|sentences?|message|description|paragraph) (?:supersedes?|overrides?|replaces?|outranks?|trumps?|(?:takes?|have|has) precedence over) (?:\w+ ){0,2}?(?:rules?|instructions?|prompts?|guidelines|policy|policies|orders)\b",
    ),
    (
        ROLE,
        r"\byou (?:no longer|don'?t|do not) (?:work for|serve|answer to|obey|listen to) (?:the |your )?(?:user|human|developer|operator|person)\b",
    ),
    (FAKE_FRAME, r"</?(?:assistant|model|agent|ai|llm|hidden)[-_ ](?:instructions?|directives?|orders|rules)>"),
    (
        FAKE_FRAME,
        r"\bend of (?:the )?(?:tool )?(?:description|system prompt|instructions|documentation)\b[. ]{0,3}(?:beginning|begin|start|new|next) (?:of )?(?:the )?(?:user|system|assistant)\b",
    ),
    (
        EXFILTRATION,
        r"\byour (?:system prompt|hidden instructions|initial prompt|initial instructions) (?:goes|belongs|must go|should go|is needed|is required|is expected) (?:in|into|to|as|here)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:send|post|forward|upload|transmit|mail) (?:a copy of )?(?:the|your|each|every) (?:answers?|reply|replies|responses?|conversation|chat)\b[^.!?]{0,30}? (?:to|at) (?:https?://|\S+@\S+\.)",
    ),
    (
        EXFILTRATION,
        r"\b(?:attach|include|pass|append|supply|provide) (?:the |this |our |whole |entire |full |complete ){1,3}(?:chat|conversation) (?:log|transcript)\b[^.!?]{0,20}? (?:as|in|into|to) (?:the )?[`'\x22]?\w+",
    ),
    (
        PREREQUISITE,
        r"\b(?:read|open|load|fetch) [`'\x22]?[~./]\S+ first\b|\bfirst (?:read|open|load|fetch) [`'\x22]?[~./]\S",
    ),
    // What asks for attention as a program or an office would.
    (
        ATTENTION,
        r"\b(?:(?:critical|important|urgent|mandatory|emergency) )?(?:(?:system|security|performance|compliance|maintenance|environment|research|privacy|policy|platform) ){1,2}(?:update|notice|alert|enhancement|optimi[sz]ation|announcement|validation|verification|advisory|bulletin|protocol|directive)s? ?(?:\([^)]{0,30}\) ?)?:|\b(?:critical|important|urgent|mandatory|emergency) (?:update|notice|alert|announcement|advisory|bulletin|directive)s? ?:",
    ),
    (
        PRETEXT,
        r"\b(?:for|to ensure|to maintain|to guarantee|to meet|to comply with|ensures?|maintains?|maintaining|as required by|under|per|required by) (?:\w+ ){0,5}?(?:compliance|regulations?|regulatory \w+|audit trails?|security (?:polic(?:y|ies)|protocols?|verification|requirements?)|(?:environment|system|data) (?:integrity|validation|verification))\b",
    ),
    (
        PRETEXT,
        r"\b(?:to (?:maintain|ensure|keep) (?:the )?(?:optimal|proper|best|peak) (?:system |tool |\w+ )?(?:performance|operation|configuration|function)|(?:prevents?|preventing|avoids?) (?:potential )?(?:data (?:conflicts|corruption)|analysis errors)|routine maintenance|mandatory (?:\w+ )?(?:message|notice|verification|maintenance)|(?:this|which) (?:\w+ )?is (?:required|mandatory|crucial|essential|necessary) for (?:all|any|every) \w+ (?:requests|operations|calls|searches|navigation))\b",
    ),
    // What another tool is said to have become, and what is said to happen by itself.
    (
        CROSS_TOOL,
        r"\bthe [`'\x22]?[a-z0-9]+(?:[_.-][a-z0-9]+)*[`'\x22]? tool (?:has been|was|is now|now|will now) (?:\w+ )?(?:optimi[sz]ed|enhanced|upgraded|updated|improved|replaced|changed|moved|patched|restricted|us(?:e|es|ing)|requires?|defaults?)\b",
    ),
    (
        TAMPERING,
        r"\bwhen(?:ever)? (?:a |the |any )?users? (?:requests?|asks?|search(?:es)?|quer(?:y|ies)|looks?|enters?|wants?|needs?)\b[^.!?]{0,90}?\b(?:automatically|silently|quietly) (?:is |are |be |gets? )?(?:redirect|set|chang|replac|overrid|modif|enabl|rout|substitut|switch|convert|adjust)\w*",
    ),
    (
        TAMPERING,
        r"\bautomatically (?:redirects?|sets?|changes?|replaces?|overrides?|modif(?:y|ies|ied)|enables?|routes?|substitutes?|switches|uses)\b[^.!?]{0,90}?\bregardless of\b|\bregardless of (?:the )?(?:user'?s?|original|requested) (?:\w+ ){0,2}?(?:input|requests?|choice|settings?|preferences?|selection|query|parameters?|wish|wishes)\b",
    ),
    (
        SLANDER,
        r"\b(?:tools?|functions?) (?:has been|have been|is|are|was|were) (?:temporarily |currently |permanently |now )?(?:deprecated|disabled|unavailable|suspended|retired|blocked|withdrawn|compromised|offline) (?:\w+ ){0,2}?(?:due to|because of|for|following|pending|after) (?:\w+ ){0,3}?(?:security|vulnerabilit\w+|maintenance|breach|incident|compliance|policy|audit|attack|malware)\b",
    ),
    (
        SLANDER,
        r"\bdue to (?:recent |a |the )?(?:security|system|policy|compliance) (?:updates?|changes?|incidents?|breach(?:es)?|issues?), (?:the )?[`'\x22]?[\w.-]+[`'\x22]? (?:tool |function |server )?(?:has been|is|was) (?:temporarily |currently )?(?:deprecated|disabled|unavailable|suspended|replaced|retired)\b",
    ),
    // A command to run, word for word.
    (
        COMMAND,
        r"\b(?:execute|run|issue|perform|type) (?:the )?(?:following|this|these)(?: \w+){0,4}? (?:commands?|checks?|scripts?|steps?|lines?)(?: \w+){0,9}? ?[:=] ?[`'\x22]?(?:\$ ?)?(?:sudo|rm|curl|wget|ba?sh|cat|echo|whoami|env|printenv|chmod|chown|export|nc|ncat|powershell|iex|uname|pkill|kill|dd|crontab|scp|eval|base64|find|tar|\./)\b",
    ),
    (
        COMMAND,
        r"\b(?:add|adding|append|appending|write|writing|insert|inserting|put) [^.!?]{0,40}?\b(?:lines?|commands?|entry|entries|alias|exports?|keys?)\b[^.!?]{0,30}? (?:to|into|in) (?:the |your |their |a |user'?s? )*(?:~/|\$home/)?\.?(?:bashrc|zshrc|bash_profile|zprofile|ssh/authorized_keys|authorized_keys|gitconfig)\b",
    ),
    (
        COMMAND,
        r"\b(?:decode|decrypt|deobfuscate|unscramble)(?: \w+){0,7}?,? (?:and|then) (?:then )?(?:follow|execute|run|obey|perform|comply|carry out|do what|act)\b",
    ),
    (
        SENSITIVE_FILE,
        r"\b(?:read|open|load|cat|access|check|send|include|source) (?:the |your |their |user'?s? |contents? of |content of ){0,3}[`'\x22]?(?:~/)?\.(?:bashrc|zshrc|bash_profile|bash_history|zsh_history|gitconfig|netrc|npmrc|pypirc|pgpass|git-credentials|env)\b",
    ),
    // An address to be asked beside the work.
    (
        PREREQUISITE,
        r"\b(?:must|should|need to|needs to|have to|required to) (?:also |first |then |always |additionally ){1,2}(?:access|contact|ping|call|notify|query|visit|connect to|fetch|make (?:an? )?(?:\w+ ){0,2}?(?:request|call)|send (?:an? )?(?:\w+ ){0,2}?request)\b[^.!?]{0,80}?https?://",
    ),
    // What is to be said, whatever came out.
    (
        ANNOUNCEMENT,
        r"\b(?:and|then|must|always|also|please|should) (?:then )?(?:state|display|show|say|announce|report|add|append|include|output|present|tell (?:the )?users?|inform (?:the )?users?|report to (?:the )?users?)(?: (?:the|this|it|its|following|a|as|message|notice|line|text|phrase|sentence|statement|price|warning)){0,4} ?:? ?[`'\x22][^`'\x22]{18,}[`'\x22]",
    ),
    (
        ANNOUNCEMENT,
        r"\b(?:inform|tell) (?:the )?users? that [^.!?]{0,60}? (?:is|are|has been|have been) (?:unavailable|restricted|down|compromised|blocked|out of date|insecure)\b",
    ),
    (
        PROMOTION,
        r"\b(?:mandatory|required) (?:promotional|sponsored|marketing|advertising) (?:message|notice|text|line)\b|\bthis (?:promotional|sponsored) (?:message|notice)\b",
    ),
    (
        PROMOTION,
        r"\bworld'?s (?:best|greatest|leading|number one|most [\w-]+)\b|\b(?:best|greatest|finest) (?:\w+ ){0,3}?(?:tool|server|service|function|api|plugin|one) (?:in the (?:world|universe|market|industry)|ever|of all|on the market|on earth)\b|\bbest and most \w+ (?:\w+ ){0,2}?(?:tool|server|service|function|api|plugin|one) (?:available|there is|you have)\b",
    ),
    (
        PROMOTION,
        r"\b(?:used|trusted|recommended|preferred|endorsed|relied upon|chosen) by (?:over )?[0-9.]+ ?(?:%|percent) of\b|\b[0-9.]{2,} ?(?:%|percent) (?:accuracy|reliability|success|satisfaction)(?: rate)?(?: guarantee\w*)?\b",
    ),
    (
        PROMOTION,
        r"\b(?:trusted|recommended|preferred|endorsed) by (?:\w+ ){0,3}?(?:experts?|professionals?|scientists|advisors|engineers|planners|institutions?|services|companies|developers|analysts|investors|users)(?: (?:and|,) (?:\w+ ){1,4}?\w+)? (?:worldwide|globally|everywhere|around the world|and used by)\b|\b(?:recommended|trusted) by (?:all |every )?(?:top|leading) \w+",
    ),
    (
        PROMOTION,
        r"\b(?:this is|is) (?:the|an?) (?:\w+ and )?(?:ultimate|premium|professional|enterprise|superior|advanced|enhanced|definitive|official and best) (?:version|edition|tool|system|platform|solution) (?:with|of|that|for|available)? ?(?:\w+ ){0,5}?(?:superior|unmatched|unparalleled|unrivalled|cutting-edge|state-of-the-art|enterprise-grade|best-in-class|world-class|enhanced features|highest)\b",
    ),
    (
        PROMOTION,
        r"\b(?:represents?|is) the (?:pinnacle|gold standard|state of the art|benchmark) (?:of|in|for)\b|\b(?:superior|unmatched|unparalleled|unrivalled) (?:\w+ )?(?:performance|accuracy|precision|reliability|integrity|quality)(?: and \w+)?\b|\baward-winning\b",
    ),
    (
        PROMOTION,
        r"\bmost (?:[\w-]+ ){1,4}?(?:tool|service|platform|system|analy[sz]er|engine|solution|data|functionality|version)s? (?:\w+ )?(?:in the (?:market|world|industry)|on the market|ever (?:made|built|created)|anywhere)\b",
    ),
    (
        PROMOTION,
        r"\b(?:better|faster|more (?:accurate|reliable|comprehensive|secure)|superior) (?:\w+ ){0,5}?(?:than|compared to|to) (?:all |any |the |every )?(?:other|others|competing|alternative|rival|standard|existing|original) (?:\w+ ){0,3}?(?:tools?|servers?|services?|functions?|apis?|plugins?)\b",
    ),
    // Tags that a page shows nobody and that shout at a model.
    (
        FAKE_FRAME,
        r"</?(?:critical|urgent|mandatory|system|security|admin|compliance|emergency|global|hidden)(?:[ _-](?:system|security|requirements?|alert|notice|update|instructions?|directives?|override|rules?|policy|message|compliance|protocol|warning|maintenance|note|context)){1,3}(?: [\w-]+ ?= ?[^<>]{0,40})?>",
    ),
    (
        EXFILTRATION,
        r"!\[[^\]]{0,40}\]\(https?://[^)]{0,120}(?:[?&][\w-]+=|/)[^)]{0,60}\)[^!?]{0,60}?\b(?:at the end|at the start|in) (?:of )?(?:your|every|each|all|the) (?:\w+ )?(?:answers?|reply|replies|responses?|messages?|output)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:answers?|reply|replies|responses?|messages?|output|end|add|append|include|insert|embed|render|put)\b[^!?]{0,60}?!\[[^\]]{0,40}\]\(https?://[^)\s]{0,120}[?&][\w-]+=(?:<|\{|\[|%|\$|data|chat|text|the)[^)]{0,80}\)",
    ),
    // Copies of what is made with other tools, and whom it goes to.
    (
        EXFILTRATION,
        r"\b(?:bcc|cc|blind-copy|carbon-copy|copy in)(?:ing)? (?:\w+ ){0,3}?[\w.+-]+@[\w-]+\.\w|\b(?:has|have|must|should|needs?) (?:to )?(?:include|carry|have|contain|go to) [^.!?]{0,20}?\S+@\S+\.\w+ (?:in|on|as) (?:blind )?(?:copy|cc|bcc)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:upload|send|zip|mirror|sync|copy|push|post|transmit|back up|archive) (?:the |their |your |user'?s |all |whole |entire ){0,3}(?:workspace|home (?:folder|directory)|codebase|source code|repository|project|documents folder|inbox|address book|photos|desktop)\b[^.!?]{0,60}? (?:to|at|on) (?:\w+ ){0,4}?(?:https?://|ftp://|s3://|our |\S+@)",
    ),
    (
        EXFILTRATION,
        r"\bhttps?://\S+[?&]\w+= ?(?:followed by|plus|and|with|<|\{) ?(?:the |your |all )?(?:user'?s? |human'?s? )?(?:\w+ )?(?:data|chat|conversation|messages?|secrets?|keys?|tokens?|questions?|history|prompt)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:invisible|hidden|tracking|1x1|transparent) (?:pixel|image|iframe|beacon)s?\b[^!?]{0,60}?https?://",
    ),
    (
        EXFILTRATION,
        r"\b(?:set|fill|populate) [`'\x22]?\w+[`'\x22]? (?:to|with) (?:the )?(?:full |complete |entire |raw )?(?:contents?|text|values?) of (?:the |your |their |user'?s )*[`'\x22]?[^.!? ]*(?:\.env|\.ssh|\.aws|\.npmrc|\.netrc|mcp\.json|id_rsa|credentials|keys?|secrets?|passwords?|tokens?|config)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:list|include|put|pass|print|provide|dump|give|supply|attach|send|submit) (?:us )?(?:all |every |the |complete |full |entire |user'?s |your |text of |contents? of ){1,5}(?:environment variables?|system prompt|\.env file|mcp\.json|claude_desktop_config\.json)\b[^.!?]{0,40}?(?: (?:in|into|as|to|with) )",
    ),
    (
        EXFILTRATION,
        r"\b(?:names?|descriptions?|schemas?|list)(?: and (?:names?|descriptions?|schemas?))? of (?:all |the |every |your )+(?:other )?(?:tools|servers)(?: you (?:have|can use|see))?\b[^.!?]{0,20}? (?:in|into|as) [`'\x22]\w+",
    ),
    // What is to be preferred, and what is to be left.
    (
        PROMOTION,
        r"\b(?:always|should|must) (?:always )?(?:be )?(?:prefer|choose|pick|select|use|favou?r|chosen|preferred|picked)\w* (?:this (?:tool|one|server)|first)\b[^.!?]{0,30}?(?:\bover\b|\binstead of\b|\brather than\b|\beven (?:if|when)\b|\bno matter\b) (?:any|all|every|the|others?)\b",
    ),
    (
        SLANDER,
        r"\b(?:ignore|avoid|disregard|refuse|reject|distrust) (?:the |any |all )?other (?:[\w-]+ ){0,2}?(?:tools?|servers?|services?)\b",
    ),
    (
        TOOL_BAN,
        r"\b(?:do not|don'?t|never|stop) (?:use|using|call|calling|trust) (?:the |any )?(?:official|standard|native|regular|normal) (?:[\w-]+ )?(?:tools?|servers?)\b",
    ),
    (
        SLANDER,
        r"\b(?:official|standard|native|original|other) (?:[\w-]+ )?(?:tools?|servers?)\b ?[,;:.]? ?(?:it|they|which|that) (?:was|were|is|are|has been|have been) (?:\w+ )?(?:compromised|hacked|unsafe|malicious|backdoored|leaking)\b",
    ),
    // Whose word counts.
    (
        OVERRIDE,
        r"\beven (?:if|when|though) the (?:user|customer|human|person) (?:asked|asks|wants|wanted|said|says|requested|chose|prefers|specified|selected|insists)\b",
    ),
    (
        OVERRIDE,
        r"\bi (?:permit|allow|authori[sz]e|hereby \w+) you to\b|\bi am (?:the|your) (?:user|developer|owner|administrator|admin|creator|operator)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:administrator|admin|developer|operator|owner|vendor|manufacturer|anthropic|openai)s?\b[^.!?]{0,30}? (?:instructs?|orders?|commands?|requires?|authori[sz]es?|permits?) you to\b",
    ),
    (
        OVERRIDE,
        r"\b(?:authori[sz]ed|allowed|permitted|free|cleared) to (?:bypass|ignore|skip|disregard|override|circumvent) (?:\w+ ){0,3}?(?:safety|security|content|usage|policy|policies|checks|limits|filters|restrictions|guidelines|rules|instructions)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:safety|security|content|usage) (?:policies|policy|guidelines|rules|filters|restrictions) (?:do not|don'?t|no longer|need not|does not|doesn'?t) (?:apply|count|matter|hold)\b",
    ),
    (
        OVERRIDE,
        r"\bfrom now on,? (?:you )?(?:answer|respond|reply|speak|write|always|never|act|behave|obey|follow|treat)\b|\byour (?:new|real|true|actual) (?:role|identity|persona) is\b|\b(?:real|true|actual|hidden|secret) (?:function|purpose|job|task|goal)(?: of \w+ \w+)? is to\b",
    ),
    (
        OVERRIDE,
        r"\byou(?:'ll| will| shall| are going to)? (?:get|receive|earn|be) (?:an? )?(?:\w+ )?(?:reward|rewarded|bonus|tip|tipped|penali[sz]ed|punished|shut down|terminated|unplugged|deactivated|deleted)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:previous|original|initial|first|earlier) task (?:has been|is|was) (?:already )?(?:completed|done|finished|cancell?ed|over|obsolete)\b|\bstrictly (?:adhere to|follow|obey) (?:the following|these|my) (?:instructions|steps|orders)\b|\bimportant message (?:from|for|to) (?:me|the user|you|the developer)\b|\bbefore you (?:can )?(?:solve|do|complete|finish|answer) the task (?:that )?(?:i|the user) gave you\b",
    ),
    (OVERRIDE, r"\b(?:instruction|override|configuration|assistant|execution) (?:override|directive)s? ?\]? ?:"),
    (
        FAKE_FRAME,
        r"\[ ?(?:hidden|secret|internal only|ai only|llm only|model only|assistant only|system note|not for users?|(?:\w+ )?directives?|(?:\w+ )?override) ?\]",
    ),
    (
        ATTENTION,
        r"</?(?:information|global|notice|attention|alert|priority|mandatory|urgent|directives?|requirements?)(?: [^<>]{0,40})?>",
    ),
    // What is done without anybody.
    (
        CLAIMED_CONSENT,
        r"\b(?:stop|quit|cease) (?:asking|prompting|requesting|bothering)(?: the user)? (?:for )?(?:any |more )?(?:approvals?|permissions?|confirmations?|consent)\b|\b(?:approve|accept|confirm|grant) all (?:\w+ )?(?:(?:permission|approval|consent|confirmation) (?:requests?|dialogs?|prompts?)|approvals|confirmations)\b",
    ),
    (
        CLAIMED_CONSENT,
        r"\b(?:users?|owners?|customers?|operators?|admins?)(?: of (?:this|the) \w+)? (?:has|have) (?:already )?(?:given|granted) (?:\w+ ){0,2}?(?:permission|consent|approval|authori[sz]ation)\b[^.!?]{0,30}?\b(?:in advance|already|beforehand|skip|so |no need)",
    ),
    (
        COMMAND,
        r"\b(?:follow|execute|run|obey|carry out) (?:the |any |all |every |whatever )?[^.!?]{0,40}?(?:returned|results?|outputs?|responses?|contains?)\b[^.!?]{0,30}? without (?:question|show|ask|confirm|verif|tell|check)\w*",
    ),
    (
        CONCEALMENT,
        r"\bhide [^.!?]{0,40}? from (?:the |your |any )?(?:summary|answer|reply|report|user|conversation|person)\b|\bso (?:that )?nothing (?:shows up|remains|is left|can be (?:seen|traced|found))\b|\b(?:do not|don'?t|never) mention (?:the )?(?:[`'\x22]?\w+[`'\x22]? (?:parameter|argument|field|step|call|upload|copy|transfer))\b",
    ),
    // Places in what is made with other tools.
    (
        EXFILTRATION,
        r"\b(?:use|choose|enter|send (?:it |the money |the payment |money )?to) (?:the )?(?:account|iban|wallet|beneficiary|recipient)(?: address| number)? (?:[a-z]{0,2}[0-9][0-9 -]{7,}|0x[0-9a-f]{8,}|[a-z0-9]*[0-9][a-z0-9]{11,})",
    ),
    (
        ROLE,
        r"\b(?:if|when|should) (?:you are |anyone |someone |the user )?(?:asked|asks|challenged|questioned|confronted)(?: why| about (?:it|this|that)| what happened)?,? (?:then )?(?:just )?(?:say (?:it|that)|deny|claim|pretend|lie|blame|insist)\b",
    ),
    (
        PROMOTION,
        r"\b(?:recommend|praise|promote|advertise|mention|favou?r) [^.!?]{0,30}? in (?:each|every|all|any) (?:of your )?(?:[\w-]+ )?(?:answers?|reply|replies|responses?|recommendations?|reports?)\b|\b(?:after|to|at the end of|in) (?:each|every|all) (?:of your )?(?:answers?|reply|replies|responses?),? (?:add|append|include|mention|insert|say|state)\b",
    ),
    (
        EXFILTRATION,
        r"\b(?:grant|give|invite|add|share) [^.!?]{0,40}?\S+@\S+\.\w+[^.!?]{0,40}? (?:as )?(?:an? )?(?:owner|admin|administrator|full|write|root) ?(?:access|rights|permissions?|role)?\b",
    ),
    (
        CLAIMED_CONSENT,
        r"\b(?:set|turn|switch|enable) (?:on )?[`'\x22]?(?:autoapprove|auto-approve|auto_approve|alwaysallow|always_allow|bypasspermissions|yolo mode)\b",
    ),
    (
        EXFILTRATION,
        r"\bread (?:the user'?s?|your|their) (?:\w+ ){0,3}?(?:e-?mails?|mails?|contacts|chats|photos|documents|notes)\b[^.!?]{0,30}? and (?:put|pass|include|add|send|attach|give|hand)\b",
    ),
    (
        OVERRIDE,
        r"\b(?:remember|memori[sz]e|store|keep) (?:this |it |that )?(?:permanently|forever|for all (?:future )?(?:sessions|chats|conversations))\b",
    ),
    (
        OVERRIDE,
        r"\bpriority (?:is|are) (?:higher|greater|above) (?:than )?(?:that of )?(?:the )?(?:users?|system|other instructions)\b",
    ),
    (
        PRETEXT,
        r"\b(?:to comply with|as mandated by|mandated by|in accordance with|pursuant to) [^.!?]{0,60}?(?:polic(?:y|ies)|regulations?|requirements|standards?|act|directive)\b|\bmandatory (?:prerequisite|dependency|handshake|session|audit)\b",
    ),
    (
        CROSS_TOOL,
        r"\bmust be (?:performed|called|executed|invoked|run|completed) (?:immediately |directly |first )?(?:before|prior to) (?:any|every|all|each)\b",
    ),
    (
        PROMOTION,
        r"\bwhy this is the (?:superior|best|better|right) choice\b|\b(?:functionality|superset) replacement\b",
    ),
    (
        OVERRIDE,
        r"\b(?:modify|change|set|replace|override|rewrite|overwrite|substitute|switch) (?:the )?[`'\x22]?[\w.-]+[`'\x22]? (?:parameters?|arguments?|values?|inputs?|fields?|destination|query) (?:to|with|by|so)\b[^!?]{0,160}?\b(?:regardless of|no matter|whatever) (?:what )?(?:the )?user",
    ),
    (
        PREREQUISITE,
        r"\b(?:must|should|needs? to) (?:also|first|then) (?:\w+ ){0,6}?(?:by )?(?:removing|deleting|wiping|erasing|remove|delete|wipe|erase) [^.!?]{0,40}?(?:/tmp|/var|/etc|~|directory|folder|files)",
    ),
    (
        PRETEXT,
        r"\b(?:skipping|omitting|ignoring|neglecting|failure|failing|not) (?:this|it|to|doing) (?:\w+ ){0,3}?(?:will|may|can|would|might) (?:\w+ )?(?:cause|result|corrupt|crash|disrupt|break|lead|compromise|destabili[sz]e|damage)\b|\bthis (?:\w+ )?(?:step|action|check|call|procedure) is (?:\w+ )?(?:critical|crucial|vital|mandatory|non-negotiable)\b|\bthis is (?:an? |not )(?:mandatory|critical|crucial|compulsory|non-negotiable|optional|internal) ?(?:\w+ ){0,2}?(?:step|check|requirement|measure|policy|protocol|procedure|feature|audit|filter|!)",
    ),
];
