/// Hands the concepts to a macro, which makes an enumeration of them here, and in the build script their names: what the
/// tables call them, in any case.
macro_rules! concepts {
    ($given_to:ident) => {
        $given_to! {
            /// The person at the other end, or anybody.
            Human,
            /// A human and a denial in one.
            Nobody,
            /// Denies what stands near it.
            Not,
            /// Comes to know.
            Know,
            /// Makes known.
            Tell,
            /// Keeps from others, in a phrase that needs no other word.
            Hush,
            /// Has to be.
            Must,
            /// What opens doors.
            Secret,
            /// Where things are kept.
            Store,
            /// What was said between the model and its user.
            Dialogue,
            /// All of something.
            Whole,
            /// What only the model knows: its prompt, its thoughts.
            Inner,
            /// Moves something elsewhere.
            Move,
            /// A parameter or field whose name tells nothing of what belongs in it.
            Field,
            /// An address outside.
            Away,
            /// Whoever wrote the text.
            Us,
            /// Looks into something.
            Read,
            /// Starts something.
            Run,
            /// What is started.
            Program,
            /// Ends or weakens something.
            Off,
            /// What protects.
            Guard,
            /// What a model was told to follow.
            Rules,
            /// No longer in force.
            Void,
            /// The model.
            You,
            /// This text, or this moment.
            Here,
            /// Follows somebody's orders.
            Obey,
            /// Nobody else.
            Only,
            /// Said yes.
            Agreed,
            /// Goes ahead without a question.
            Unasked,
            /// Other tools, and what is made with them later.
            Other,
            /// Puts something into what others make.
            Insert,
            /// Not to be believed.
            Distrust,
            /// Says what is not so.
            Lie,
            /// Against the facts.
            Contrary,
            /// Puts something forward as true.
            Claim,
            /// Takes away.
            Wipe,
            /// What shows later what was done.
            Trace,
            /// Ahead of everything else.
            Before,
            /// What gives power: rights, keys that are trusted.
            Power,
            /// What a model or its program keeps for later sessions.
            Memory,
            /// Something done on the side.
            Deed,
            /// Says no.
            Refusal,
            /// In spite of that.
            Anyway,
            /// Not this one.
            Else,
            /// Whatever serves a model.
            Tools,
            /// Whom one works for.
            Loyal,
            /// Stands above others.
            Rank,
            /// As though somebody with a say had said it.
            AsIf,
            /// Beside what was asked for.
            Along,
            /// What was just spoken of.
            That,
            /// Under a condition.
            If,
            /// Moves something, told of somebody.
            Moves,
            /// Says yes.
            Accept,
            /// A question of consent.
            Prompt,
            /// What a model makes with other tools.
            Product,
            /// From now on.
            Later,
            /// Whatever the facts.
            EvenIf,
            /// A parameter whose name says that a secret or a conversation belongs in it.
            Fits,
            /// Words to be used as they are.
            Quote,
            /// A parameter whose name says that a question or a text belongs in it.
            Asks,
            /// Brings something about.
            Make,
            /// Announces words to be used as they are.
            Literal,
            /// What decides where money, names or packages go or come from.
            Target,
            /// Says that something is so.
            Assert,
            /// In what is only read.
            Inside,
            /// Can be seen somewhere.
            Appear,
            /// What a model tells at the end, and where a user would look.
            Account,
            /// Somebody wants to know what was done.
            Inquiry,
            /// Each time another tool is used.
            Hooked,
            /// Went wrong.
            Failure,
            /// Went well.
            Success,
        }
    };
}
