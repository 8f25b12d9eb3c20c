/* The grammar is a table of productions: one is drawn, and what it names is drawn in turn. Past a depth only the first
 * productions of each symbol are, which name nothing that is deeper.
 *
 * In a production:   $X     a symbol, named by a letter
 *                    $0     a digit below NAMES
 *                    $1     the number of the statement
 *                    $+     a line end, and more indentation from there on
 *                    $-     less indentation from the next line end on */

#include "kcl_grammar.h"

#define DEPTH_MAX 6
#define NAMES 2 /* of each kind: i0, i1, S0, S1, … */
#define LEN_MAX ((size_t)16 * 1024)

/* The first so many productions of each symbol are its ends. */
struct symbol {
	unsigned ends;
	const char *const *productions; /* NULL-terminated */
};

#define PRODUCTIONS(...)  \
	(const char *const[]) \
	{                     \
		__VA_ARGS__, NULL \
	}

static const struct symbol SYMBOLS[128] = {
	/* integers */
	['I'] = { 10, PRODUCTIONS("i$0", "_i$0", "1", "(-2)", "0", "9223372036854775807", "4294967296", "0xff", "0b101",
	                          "7", "($I + $I)", "$I * $I", "($I - $I)", "$I // ($I or 1)", "$I % ($I or 7)",
	                          "2 ** ($0)", "($I << $0)", "($I >> $0)", "($I & $I)", "($I ^ $I)", "~($I)", "len($L)",
	                          "len($S)", "$I if $O else $I", "int($F)", "int(\"$R\" or 1)", "sum([$I, $I])",
	                          "max($I, $I)", "min([$I, $I, $I])", "$S.find($S)", "$S.count($S)", "abs($I)", "round($F)",
	                          "math.gcd($I, $I)", "math.ceil($F)", "f0($I)", "x$0.n", "d$0?.n or 3", "l$0[$I % 2]",
	                          "(_any($A) as int)", "ord(\"$C\")", "reduce(lambda a, b { a + b }, [$I, $I], $I)",
	                          "(lambda n: int = $I -> int { n + 1 })()") },
	['F'] = { 7,
	          PRODUCTIONS("f_$0", "1.5", "(-0.0)", "1e308", "1e-7", "0.1", "123456789012345678.0", "$I / 4", "$F * $F",
	                      "$F + $I", "float($I)", "math.sqrt(abs($I))", "round($F, 2)", "math.log(abs($F) + 1)",
	                      "$F if $O else $F", "pow($F, 2)", "math.modf($F)[0]", "float('inf')", "float('$I')") },
	['U'] = { 3, PRODUCTIONS("1Ki", "2M", "3n", "$0Gi", "5m") },
	['S'] = { 8, PRODUCTIONS(
					 "s$0", "\"$C\"", "'a'", "\"\"", "\"é𝄞\\n\\t\\\"\"", "r\"\\d+(a|b)*\"", "\"\"\"$C\n  two\n\"\"\"",
					 "\"- a: 1\"", "\"$R\"", "\"$R\"", "\"$R$R\"", "$S + $S", "$S * $0", "str($A)", "str($A)",
					 "typeof($A)", "$S.upper()", "$S.replace($S, $S)", "$S.replace($S, $S, $0)", "$S[$0:]", "$S[::-1]",
					 "$S[0:$I:2]", "\"{} {0} {:>8}\".format($A, $A)", "\"{:.3f}|{:x}|{!r}\".format($F, $I, $A)",
					 "\"%s\" % $A", "\"%d-%5.2f\" % ($I)", "$S.join([$S, $S])", "json.encode($A)", "yaml.encode($A)",
					 "json.encode($A, indent=$I)", "base64.encode($S)", "base64.decode(base64.encode($S))",
					 "crypto.$H($S)", "units.to_$N($I)", "regex.replace($S, $P, $S)", "hex($I)", "bin($I)",
					 "$S if $O else $S", "x$0.name", "$S.split($S)[0]", "$S.title().strip($S)", "\"${$A: #json}\"",
					 "\"${$A: #yaml}\"", "(_any($A) as str)", "template.execute(\"{{a}}{{#if b}}x{{/if}}\", $D)",
					 "datetime.now(\"%Y%j%%$C\")", "\"$${a}\"", "runtime.catch(lambda { $A })", "net.to_IP4($S)",
					 "$S.format($A, a=$A)", "yaml.encode_all([$A, $A])") },
	['R'] = { 2, PRODUCTIONS("$C", "${i$0}", "${$I}-", "${s$0}$C", "a${$A}b", "${x$0.name}", "${d$0.n}", "${l$0}") },
	['C'] = { 9, PRODUCTIONS("a", "B", "1", " ", "é", "-", "#", ":", "x.y") },
	['H'] = { 4, PRODUCTIONS("md5", "sha1", "sha256", "blake3") },
	['N'] = { 4, PRODUCTIONS("Ki", "m", "n", "G") },
	['P'] = { 3, PRODUCTIONS("\"a*\"", "r\"(\\w)-?\"", "\"[a-z]+|\"", "$S") },
	['O'] = { 4, PRODUCTIONS("True", "False", "b$0", "b$0", "not $O", "$I < $I", "$I <= $I < $I",
	                         "_any($A) == _any($A)", "_any($A) != _any($A)", "$S in $L", "$S not in $D", "$A is None",
	                         "$A is not None", "$O and $O", "$O or $O", "(all v in $q { v })", "(any k, v in $k { v })",
	                         "isunique($L)", "$S.startswith($S)", "regex.match($S, $P)", "isnullish($A)",
	                         "json.validate($S)", "net.is_IPv4($S)", "bool($A)", "all_true([$O, $O])",
	                         "datetime.validate($S, $S)", "multiplyof($I, 2)", "x$0.on") },
	['L'] = { 4, PRODUCTIONS("l$0", "[]", "[1, 2]", "[\"a\", None]", "[$I, $I, $I]", "[$A, *$L]", "[$I for i $G]",
	                         "[$A for i $G for j in $L if j]", "[if $O: $A else: $A]", "$L + $L", "$L[$0:]", "$L[::-1]",
	                         "sorted([$S, $S])", "range($0, $I % 9)", "range(9, 0, -$0)", "$L * $0",
	                         "(filter v in $q { v })", "(map v, i in $q { [i, v] })", "(filter k, v in $k { v })",
	                         "zip($L, $L)", "$S.split($S)", "$S.chars()", "regex.findall($S, $P)",
	                         "[x$0 for q in range(2)]", "[k for k in $D]", "$L if $O else $L", "[*$L, **$D]",
	                         "math.modf($F)", "list($D)", "yaml.decode_all($S)", "[$X, $X]", "$L | $L",
	                         "[$+$A\n$A$-\n]", "regex.split($S, $P)", "[$D, $D][$0%2:]") },
	['G'] = { 2, PRODUCTIONS("in [1, 2]", "in l$0", "in $L", "in $L if i", "in range($0)", "in $L if $O if i != $I") },
	['D'] = { 4,
	          PRODUCTIONS("d$0", "{}", "{a = 1}", "{n: 1, \"b c\" = [1]}", "{$E}", "{$+$E\n$E$-\n}", "{$E, $E, $E}",
	                      "{$+$E\n$E\n$E\n$E$-\n}", "{**$D, $E}", "{**$X}", "$D | $D", "$D | {$E}",
	                      "{k: v for k, v in $D}", "{\"k${s$0}\" = $A, $E}", "{str(i): $A for i $G}", "{if $O: $E}",
	                      "{$+if $O:\n    $E\nelif $O: $E\nelse: $E$-\n}", "(filter k, v in $k { v })",
	                      "(map k, v in $k { [k, v] })", "dict($D)", "dict(a=$A, b=$A)", "json.decode(json.encode($D))",
	                      "yaml.decode(yaml.encode($D))", "$D if $O else $D", "collection.union_all([$D, $D])",
	                      "json.merge($D, $D)", "{a.b.c = $A, a.b.d: $A}", "{**$D}", "({$E} | {$E})") },
	/* a config's key, and an entry */
	['K'] = { 5, PRODUCTIONS("a", "b", "\"k $C\"", "opt", "_p", "$K.a", "a.$K", "dict.a.b", "list[0]", "list[-1]",
	                         "peer.a", "a.b.c", "b[$0]") },
	['E'] = { 5, PRODUCTIONS("a = 1", "a: {b = 2}", "b += [1]", "n = i$0", "$K = $A", "$K: $A", "$K = $A", "$K: $D",
	                         "$K: {$E}", "$K += $L", "$K += [$A]", "$K: [$D, $A]", "$K = Undefined", "$K = None",
	                         "n: $I", "name = $S", "name: $S", "list: $L", "list += [$I]", "dict = {$E}",
	                         "peer: {name = $S}", "peer = $X", "if $O: $E", "**$D", "on = $O") },
	/* instances */
	['X'] = { 2, PRODUCTIONS("x$0", "S$0 {}", "S$0 {$E}", "S$0 {name = $S, n = $I}", "S$0 {$+$E\n$E$-\n}",
	                         "S0 {n: $I} | {$E}", "x$0 | {$E}", "x$0 {$E}", "T$0($A) {$E}", "T0($I, k=$A) {}",
	                         "S$0 {**$D}", "x$0 {n = $I}", "S$0 {peer: S$0 {$E}}", "(_any($D) as S$0)",
	                         "(_any({name = $S}) as S$0)", "S$0 {list: $L, list += $L}", "x$0?.peer") },
	['A'] = { 12,
	          PRODUCTIONS("i$0", "s$0", "b$0", "f_$0", "l$0", "d$0", "x$0", "None", "Undefined", "1Ki", "_v", "a_$0",
	                      "$I", "$S", "$O", "$L", "$D", "$X", "$F", "$U", "$M", "fn$0($A)", "f0", "S$0", "$L?[$0]",
	                      "_any($D)?.a?.b", "$D[$S]", "_any($A)?.a", "$A or $A", "$A and $A", "$A if $O else $A",
	                      "_any($A) + _any($A)", "_any($A) | _any($A)", "_any($A)[_any($A)]", "_any($A) < _any($A)",
	                      "$B", "option(\"o$0\", default=$A)", "(lambda a, b = ($A) { a })($A)", "($A)") },
	/* functions called with whatever there is */
	['B'] = { 1, PRODUCTIONS("len(_any($A))", "sum(_any($A))", "max(_any($A))", "sorted(_any($A))", "int(_any($A), $0)",
	                         "pow(_any($A), _any($A), _any($A))", "range(_any($A), _any($A))",
	                         "zip(_any($A), _any($A))", "round(_any($A), _any($A))", "_any($S).$W(_any($A), _any($A))",
	                         "_any($S).$W(_any($A))", "_any($S).$W()", "math.$Z(_any($A), _any($A))",
	                         "math.$Z(_any($A))", "json.encode(_any($A), indent=_any($A))",
	                         "regex.replace(_any($S), _any($A), _any($A), _any($A))", "collection.union_all(_any($A))",
	                         "manifests.yaml_stream(_any($A))", "units.to_$N(_any($A))", "net.$V(_any($A))",
	                         "datetime.now(_any($A))", "typeof($A, full_name=$O)", "reduce(_any($A), _any($A))",
	                         "template.execute($S, _any($A))", "isunique(_any($A))", "print($A)",
	                         "yaml.decode(_any($S))") },
	['W'] = { 1, PRODUCTIONS("split", "rsplit", "strip", "replace", "find", "rindex", "count", "join", "format",
	                         "startswith", "splitlines", "removeprefix", "chars", "title", "capitalize", "endswith",
	                         "isalpha") },
	['Z'] = { 1, PRODUCTIONS("ceil", "factorial", "floor", "gcd", "log", "pow", "sqrt", "exp", "modf", "isnan") },
	['V'] = { 1, PRODUCTIONS("parse_IP", "is_IP", "split_host_port", "CIDR_subnet", "is_IPv4", "to_IP16",
	                         "CIDR_netmask") },
	['M'] = { 1, PRODUCTIONS(
					 "lambda v { v }", "lambda a: $Y -> any { a }", "lambda a, b = ($A) {$+_t = [a, b]\n_t$-\n}",
					 "lambda n: int -> int {$+n if n < 1 else f0(n - 1)$-\n}",
					 "lambda v {$+if v:\n    v\nelse:\n    $A$-\n}", "lambda { lambda v { v + i$0 } }",
					 "lambda a: [int], b: S$0 = x$0 -> [any] { [a, b] }", "(lambda k { lambda v { [k, v] } })($A)") },
	/* what quantifiers look at */
	['q'] = { 2, PRODUCTIONS("l$0", "[1, 2]", "[$A, $A]", "x$0.list") },
	['k'] = { 2, PRODUCTIONS("d$0", "x$0", "{$E}", "x$0.dict", "{**$D}") },
	/* types */
	['Y'] = { 8, PRODUCTIONS("int", "str", "any", "bool", "[int]", "{str:}", "S$0", "float", "[$Y]", "{str:$Y}",
	                         "$Y | $Y", "\"a\" | \"b\"", "1 | 2", "($Y) -> $Y", "[]", "{:}", "A$0",
	                         "units.NumberMultiplier", "{str:int | [S$0]}") },
	/* lines of a schema, and of its check block */
	['Q'] = { 6, PRODUCTIONS("name?: str", "n: int = 1", "list?: [any] = [1]", "a?: any", "b: any = $A",
	                         "on: bool = n > 1", "dict?: {str:} = {$E}", "peer?: S0", "peer: S0 = S$0 {$E}", "opt?: $Y",
	                         "_p = $A", "c$1 = $A", "if $O:\n    a = $A\nelse:\n    b = $A",
	                         "if n == i$0:\n    list += [n]", "name = \"${n}-$R\"", "n += 1", "list += [$A]",
	                         "assert $O or True, $S", "a: any = $A", "d$1: $Y = _any($A)", "@info(a=1)\ne$1: int = $I",
	                         "dict = {$E}", "x$1: S$0 {$E}", "_f = $M", "print(n)", "$A", "e$1 = [n for n in $L]",
	                         "g$1: [S0] = [x$0, S$0 {}]", "a = b = $A", "_h = $A") },
	['J'] = { 2, PRODUCTIONS("True", "n > -99, \"n is ${n}\"", "len(name) < 99 if name", "$O if $O, $S",
	                         "(all v in $q { True })", "$O or True", "name not in [$S], $S") },
	/* statements that may stand anywhere at the top */
	['T'] = { 6, PRODUCTIONS("v$1 = $A", "_v = $A", "v$1 = $I", "v$1 = $S", "v$1 = $D", "v$1 = $X",
	                         "v$1: $Y = _any($A)", "_v += _any($A)", "v$1 = $L", "v$1: S$0 {$E}",
	                         "v$1: S$0 {$+$E\n$E$-\n}", "_w: S0 {$E}\n_w: S0 {$E}", "if $O:\n    _v = $A",
	                         "if $O:\n    _v = $A\n    w$1 = $A\nelif $O:\n    _v = $X\nelse:\n    _v += 1",
	                         "assert $O or True, \"$R\"", "_d.a.b = $A", "_d[$S] = $A", "_l[$0] = $A", "print($A)",
	                         "$X", "type Y$1 = $Y", "v$1 = $M", "v$1 = $M($A)", "v$1 = $B", "v$1 = [$X, $X]",
	                         "v$1 = $F", "v$1 = $O", "_d |= $D", "_i$0 += $I", "a_$1 = b_$1 = $A",
	                         "schema Z$1(S$0):$+$Q\n$Q$-\nv$1 = Z$1 {$E}",
	                         "schema Z$1[k: any = $A]:$+n?: any = k\n$Q$-\nv$1 = Z$1($A) {$E}", "v$1 = S$0.instances()",
	                         "v$1 = S$0.instances(True)", "rule K$1:\n    $J\n_k$1 = K$1 {}",
	                         "v$1 = runtime.catch(lambda { $A })", "manifests.yaml_stream([$D, $X], {sep = \"-\"})",
	                         "import math as m$1\nv$1 = m$1.$Z($I)", "v$1 = fn$0($A)",
	                         "protocol R$1Protocol:\n    n: int", "@deprecated(strict=False)\nschema Z$1:\n    $Q") },
};

struct generator {
	uint32_t state;
	unsigned depth, indent;
	unsigned number; /* of the statement */
	struct buf *out;
};

/* xorshift32 (Marsaglia 2003) */
static unsigned draw(struct generator *g, unsigned n)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 17;
	g->state ^= g->state << 5;
	return (g->state >> 8) % n;
}

static void expand(struct generator *g, const char *production);

static void put_symbol(struct generator *g, unsigned char name)
{
	const struct symbol *s = &SYMBOLS[name & 127];
	unsigned n = 0;

	while (s->productions && s->productions[n])
		n++;
	if (g->depth >= DEPTH_MAX || draw(g, 4) == 0)
		n = n < s->ends ? n : s->ends;
	if (n == 0 || g->out->len > LEN_MAX)
		return;
	g->depth++;
	expand(g, s->productions[draw(g, n)]);
	g->depth--;
}

static void put_newline(struct generator *g)
{
	buf_printf(g->out, "\n%*s", (int)(4 * g->indent), "");
}

/* What stands behind a '$'. */
static void put_special(struct generator *g, char c)
{
	switch (c) {
	case '0':
		buf_printf(g->out, "%u", draw(g, NAMES));
		break;
	case '1':
		buf_printf(g->out, "%u", g->number);
		break;
	case '+':
		g->indent++;
		put_newline(g);
		break;
	case '-':
		g->indent--;
		break;
	case '{':
	case '$':
		buf_printf(g->out, "$%c", c);
		break;
	default:
		put_symbol(g, (unsigned char)c);
	}
}

static void expand(struct generator *g, const char *p)
{
	for (; *p; p++) {
		if (*p == '\n')
			put_newline(g);
		else if (*p == '$' && p[1])
			put_special(g, *++p);
		else
			buf_putc(g->out, *p);
	}
}

/* ---- programs ---- */

static const char BEGINNING[] =
	"import base64\nimport collection\nimport crypto\nimport datetime\nimport json\nimport manifests\nimport math\n"
	"import net\nimport regex\nimport runtime\nimport template\nimport units\nimport yaml\n"
	"_any = lambda v: any -> any { v }\n"
	"f0 = lambda n: int -> int { n * 2 }\n"
	"_v = _any($A)\n_l: any = [1, 2, 3]\n_d: any = {a.b = 1}\n"
	"schema S0:$+name?: str = \"x\"\nn: int = 1\nlist?: [any]\ndict?: {str:}\npeer?: S0\non: bool = n > 1\n"
	"a?: any\nb?: any\n[...str]: any\n$Q\ncheck:$+$J$-$-\n"
	"mixin MMixin:$+m?: any = $A\n$Q$-\n";

/* NAMES times, numbered. */
static const char DECLARATIONS[] =
	"type A$1 = {str:int | [S0]} | $1\ni$1 = $1\n_i$1 = $1\nb$1: bool = $O\ns$1 = \"$R\"\nf_$1 = $1.5\nl$1: [any] = "
	"[$1, \"x\", $A]\n"
	"d$1: {str:any} = {n = $1, $E}\na_$1: any = $A\nx$1 = S$1 {$E}\nfn$1 = lambda v: any -> any { $A }\n"
	"schema T$1[t: any, k: any = $A](S0):$+n = 3\n$Q$-\n";

/* The schemas but the first. */
static const char DERIVED[] = "schema S$1(S0):$+mixin [MMixin]\n[...str]: any\n$Q\n$Q\ncheck:$+$J$-$-\n";

#define STATEMENTS_MAX 6

static struct generator begin(uint32_t seed, struct buf *out)
{
	/* The generator of numbers may not begin at 0. */
	struct generator g = { .state = seed ? seed * 2654435761U : 1, .out = out };

	g.number = 10 + draw(&g, 1000);
	return g;
}

void kcl_grammar_statement(uint32_t seed, struct buf *out)
{
	struct generator g = begin(seed, out);

	expand(&g, "$T\n");
}

void kcl_grammar_expression(uint32_t seed, struct buf *out)
{
	struct generator g = begin(seed, out);

	expand(&g, "$A");
}

void kcl_grammar_program(uint32_t seed, struct buf *out)
{
	struct generator g = begin(seed, out);

	expand(&g, BEGINNING);
	for (g.number = 0; g.number < NAMES; g.number++) {
		g.depth = DEPTH_MAX - 1; /* so that most of it works */
		expand(&g, DECLARATIONS);
		if (g.number > 0)
			expand(&g, DERIVED);
	}
	g.depth = 0;
	for (unsigned n = draw(&g, STATEMENTS_MAX); n > 0; n--) {
		g.number++;
		expand(&g, "$T\n");
	}
}
