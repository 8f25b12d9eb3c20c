#include "port.h"

/* The names under which programs keep their own port; DB_PORT, SMTP_PORT and the like are other programs'. */
#define NAME                                                                                                          \
	"(?:(?:APP|SERVER|HTTP|API|WEB|NODE|NODEJS|LISTEN|SERVICE|BACKEND|EXPRESS|FLASK|FASTAPI|DJANGO|UVICORN|GIN|ECHO|" \
	"FIBER)_?)?PORT"
/* The same as people write variables. */
#define VAR                                                                                                           \
	"(?:(?i:app|server|http|api|web|listen|service|backend|default|node|my|fallback)_?)?(?i:port)(?:_?(?i:number|no|" \
	"num))?"
/* Within a longer name ("serverPort", "HTTP_PORT_NUMBER"), but not export, import, support, report, transport. */
#define IN_NAME "\\b\\w*(?<!(?i:ex))(?<!(?i:im))(?<!(?i:up))(?<!(?i:re))(?<!(?i:ns))(?i:port)\\w*"
/* Up to a digit, within a line: conversions and parentheses. */
#define GAP "[^\\n;,]{0,60}?"

const struct port_pattern port_patterns[] = {
	/* JavaScript, TypeScript. process.env.PORT || 3000, Number(process.env.PORT) ?? 3000, … ? … : 3000 */
	{ SRC_JS, 3, true,
	  "process\\.env(?:\\.|\\[['\"`])" NAME
	  "\\b[^\\n;]{0,80}?(?:\\|\\||\\?\\?|:|,)\\s*(?:Number\\(|parseInt\\(|\\+)?['\"`(]*(\\d{2,5})\\b(?!\\.)" },
	{ SRC_JS, 3, true, "\\b" NAME "\\s*=\\s*['\"]?(\\d{2,5})['\"]?[^}\\n]*\\}\\s*=\\s*process\\.env" },
	{ SRC_JS, 3, true, "process\\.env\\." NAME "\\s*\\?[^;?]{0,120}?(?:\\?[^;?]{0,120}?)?:\\s*(\\d{2,5})\\b" },
	{ SRC_JS, 3, true,
	  "\\b(?:env|ENV|Bun\\.env|config|env\\(\\))\\." NAME "\\s*(?:\\|\\||\\?\\?)\\s*['\"`]?(\\d{2,5})" },
	{ SRC_JS, 3, true, "Deno\\.env\\.get\\(\\s*['\"]" NAME "['\"]\\s*\\)" GAP "(?:\\|\\||\\?\\?)\\s*['\"]?(\\d{2,5})" },
	{ SRC_JS, 3, true,
	  "\\bget(?:OrThrow|Number|String)?(?:<[^>\\n]*>)?\\(\\s*['\"](?:\\w+\\.)*" NAME
	  "['\"]\\s*(?:,\\s*|\\)\\s*(?:\\|\\||\\?\\?)\\s*)['\"]?(\\d{2,5})" },
	{ SRC_JS, 3, true, "\\b(?i:env)(?:\\.\\w+)?\\(\\s*['\"]" NAME "['\"]\\s*,\\s*['\"]?(\\d{2,5})" },
	{ SRC_JS, 3, true, "\\b" NAME "['\"]?\\s*:\\s*[\\w.()'\"\\s,{}:]{0,120}?default(?:\\(|\\s*:)\\s*['\"]?(\\d{2,5})" },
	{ SRC_JS, 2, false, "\\.listen\\(\\s*['\"`]?(\\d{2,5})['\"`]?\\s*[,)]" },
	{ SRC_JS, 2, false, "\\.listen\\(\\s*\\{[^}]{0,200}?\\bport\\s*:\\s*['\"]?(\\d{2,5})" },
	{ SRC_JS, 2, false,
	  "(?:\\bBun\\.serve|\\bDeno\\.serve|\\bserve)\\(\\s*\\{[^;]{0,300}?\\bport\\s*:\\s*['\"]?(\\d{2,5})" },
	{ SRC_JS, 2, false, "\\.set\\(\\s*['\"]port['\"]\\s*,\\s*['\"]?(\\d{2,5})" },
	{ SRC_JS, 2, false,
	  "\\b(?:const|let|var|readonly|static|private|public)?\\s*" VAR
	  "\\s*(?::\\s*[\\w| ]+)?=\\s*(?:Number\\(|parseInt\\(|\\+)?['\"`]?(\\d{2,5})\\b(?!\\.)" },
	{ SRC_JS, 1, false, "^\\s*['\"]?" VAR "['\"]?\\s*:\\s*['\"]?(\\d{2,5})['\"]?\\s*,?\\s*$" },
	{ SRC_JS, 0, true, "process\\.env(?:\\.|\\[['\"`])PORT\\b" },
	{ SRC_JS, 0, true, "\\b(?:Bun\\.env\\.PORT|Deno\\.env\\.get\\(\\s*['\"]PORT)\\b" },

	/* Python */
	{ SRC_PYTHON, 3, true,
	  "(?:environ\\.get|getenv|environ\\.setdefault|\\benv(?:\\.\\w+)?|\\bconfig)\\(\\s*['\"]" NAME
	  "['\"]\\s*,\\s*(?:default\\s*=\\s*|cast\\s*=\\s*int\\s*,\\s*default\\s*=\\s*)?['\"]?(\\d{2,5})" },
	{ SRC_PYTHON, 3, true, "(?:environ\\.get|getenv)\\(\\s*['\"]" NAME "['\"]\\s*\\)\\)?\\s*or\\s*['\"]?(\\d{2,5})" },
	{ SRC_PYTHON, 3, true, "environ\\[['\"]" NAME "['\"]\\]\\)?\\s*if\\b[^\\n]*\\belse\\s+['\"]?(\\d{2,5})" },
	{ SRC_PYTHON, 2, false,
	  "\\b(?:run|serve|run_app|run_simple|launch|run_server|uvicorn\\.run|run_async)\\([^)]{0,300}?\\b(?:port|server_"
	  "port)\\s*=\\s*(\\d{2,5})" },
	{ SRC_PYTHON, 2, false, "\\brun_simple\\(\\s*['\"][^'\"]*['\"]\\s*,\\s*(\\d{2,5})" },
	{ SRC_PYTHON, 2, false,
	  "(?:HTTPServer|TCPServer|WSGIServer|make_server)\\(\\s*\\(?\\s*['\"][\\w.]*['\"]\\s*,\\s*(\\d{2,5})" },
	{ SRC_PYTHON, 2, false, "=\\s*\\(\\s*['\"][\\w.]*['\"]\\s*,\\s*(\\d{2,5})\\s*\\)" },
	{ SRC_PYTHON, 2, false, "\\b(?:app|server|application|http_server)\\.listen\\(\\s*(\\d{2,5})" },
	{ SRC_PYTHON, 2, false, "^\\s*" VAR "\\s*(?::\\s*\\w+)?\\s*=\\s*(?:int\\()?['\"]?(\\d{2,5})\\b(?!\\.)" },
	{ SRC_PYTHON, 2, false, "add_argument\\([^)]*['\"]--port['\"][^)]*default\\s*=\\s*['\"]?(\\d{2,5})" },
	{ SRC_PYTHON, 2, false, "\\bdefine\\(\\s*['\"]port['\"]\\s*,\\s*default\\s*=\\s*(\\d{2,5})" },
	{ SRC_PYTHON, 2, false, "^bind\\s*=\\s*f?['\"][^'\"\\n]*:(\\d{2,5})['\"]" },
	{ SRC_PYTHON, 1, false, "[,(]\\s*port\\s*=\\s*(\\d{2,5})\\s*[,)]" },
	{ SRC_PYTHON, 0, true, "(?:environ\\.get|getenv)\\(\\s*['\"]PORT['\"]|environ\\[['\"]PORT['\"]\\]" },

	/* Go */
	{ SRC_GO, 3, true,
	  "(?i:getenv|env|lookup|getOr|OrDefault|fallback)\\w*\\(\\s*\"" NAME "\"\\s*,\\s*\"?:?(\\d{2,5})" },
	{ SRC_GO, 3, true, "env:\"" NAME "[^\"]*\"[^`\\n]*?(?:envDefault|default):\"?:?(\\d{2,5})" },
	{ SRC_GO, 3, true,
	  "(?:envconfig|env):\"[^\"]*(?i:port)[^\"]*\"\\s+(?:envDefault|default|env-default):\":?(\\d{2,5})" },
	{ SRC_GO, 3, true, "env-default:\":?(\\d{4,5})\"" },
	{ SRC_GO, 3, true, "Getenv\\(\"" NAME "\"\\)[^}]{0,160}?\\b\\w*(?i:port|addr)\\w*\\s*:?=\\s*\":?(\\d{2,5})\"" },
	{ SRC_GO, 3, true,
	  "SetDefault\\(\\s*\"[\\w.]*(?i:port|addr|address)\"\\s*,\\s*\"?(?:[\\w.]*:)?(\\d{2,5})\\b(?!\\.)" },
	{ SRC_GO, 2, false, "ListenAndServe(?:TLS)?\\(\\s*\"[\\w.]*:(\\d{2,5})\"" },
	{ SRC_GO, 2, false, "\\.(?:Run|Start|Listen|RunTLS|StartTLS|Serve)\\(\\s*\"[\\w.]*:(\\d{2,5})\"" },
	{ SRC_GO, 2, false, "\\bAddr:\\s*\"[\\w.]*:(\\d{2,5})\"" },
	{ SRC_GO, 2, false, "net\\.Listen\\(\\s*\"tcp\\d?\"\\s*,\\s*\"[\\w.]*:(\\d{2,5})\"" },
	{ SRC_GO, 2, false,
	  "\\.(?:String|Int|StringVar|IntVar|Uint|StringP|IntP)\\([^\\n]*\"[\\w-]*(?i:port|addr|listen|http)[\\w-]*\"\\s*,"
	  "\\s*(?:\"\\w?\"\\s*,\\s*)?\"?(?:[\\w.]*:)?(\\d{2,5})\\b(?!\\.)" },
	{ SRC_GO, 2, false,
	  "(?:" IN_NAME
	  "|\\b\\w*(?i:addr)\\w*)\\s*(?:string|int)?\\s*:?=\\s*\"?(?:[\\w.]*:)?(\\d{2,5})\\b(?!\\.)\"?\\s*$" },
	{ SRC_GO, 1, false, "\\b(?i:port|addr|address)\\w*:\\s*\"?(?:[\\w.]*:)?(\\d{2,5})\\b(?!\\.)\"?\\s*,?\\s*$" },
	{ SRC_GO, 1, false, "\"(?:127\\.0\\.0\\.1|0\\.0\\.0\\.0|localhost|\\[::\\])?:(\\d{4,5})\"" },
	{ SRC_GO, 0, true, "(?:Getenv|LookupEnv)\\(\"PORT\"\\)" },

	/* Rust */
	{ SRC_RUST, 3, true,
	  "var\\(\\s*\"" NAME
	  "\"\\s*\\)[^;]{0,200}?(?:unwrap_or|unwrap_or_else|map_or|unwrap_or_default)[^;\\d]{0,60}(\\d{2,5})" },
	{ SRC_RUST, 3, true, "(?i:env)\\s*=\\s*\"" NAME "\"[^\\])]{0,80}?default_value(?:_t)?\\s*=\\s*\"?(\\d{2,5})" },
	{ SRC_RUST, 2, false,
	  "default_value(?:_t)?\\s*=\\s*\"?(?:[\\d.]+:)?(\\d{4,5})\"?[^\\n]*\\n\\s*(?:pub\\s+)?(?:port|addr|address|listen|"
	  "bind)\\b" },
	{ SRC_RUST, 2, false,
	  "#\\[(?:serde\\()?default(?:\\s*=\\s*|\\()\"?(\\d{4,5})\"?\\)[^\\n]*\\n(?:\\s*#\\[[^\\n]*\\n)*\\s*(?:pub\\s+)?"
	  "port\\b" },
	{ SRC_RUST, 2, false, "\"(?:0\\.0\\.0\\.0|127\\.0\\.0\\.1|localhost|\\[::1?\\]):(\\d{2,5})\"" },
	{ SRC_RUST, 2, false, "\\.bind\\(\\s*\\(\\s*[^,()]{1,60},\\s*(\\d{2,5})\\s*\\)" },
	{ SRC_RUST, 2, false, "SocketAddr(?:V4)?::(?:from|new)\\([^;]{0,80}?\\],?\\s*\\)?,?\\s*(\\d{2,5})\\s*\\)" },
	{ SRC_RUST, 2, false, "\\b(?i:port)\\s*(?::\\s*u16)?\\s*=\\s*(\\d{2,5})\\s*;" },
	{ SRC_RUST, 2, false, "run\\(\\(\\s*\\[[\\d., ]+\\]\\s*,\\s*(\\d{2,5})\\s*\\)\\)" },
	{ SRC_RUST, 0, true, "var\\(\\s*\"PORT\"\\s*\\)" },

	/* Java, Kotlin */
	{ SRC_JVM, 3, true,
	  "getenv\\(\\s*\"" NAME
	  "\"\\s*\\)[^;\\n]{0,100}?(?:\\?:|:|orElse\\(|getOrDefault\\(|\\?\\.toInt\\w*\\(\\)\\s*\\?:)\\s*\"?(\\d{2,5})" },
	{ SRC_JVM, 3, true, "getOrDefault\\(\\s*\"" NAME "\"\\s*,\\s*\"?(\\d{2,5})" },
	{ SRC_JVM, 2, false, "embeddedServer\\([^)]{0,200}?\\bport\\s*=\\s*(\\d{2,5})" },
	{ SRC_JVM, 2, false, "embeddedServer\\(\\s*\\w+\\s*,\\s*(\\d{2,5})" },
	{ SRC_JVM, 2, false, "\\.(?:start|listen|port|withPort|asServer\\(\\w+)\\(\\s*(\\d{2,5})\\s*\\)" },
	{ SRC_JVM, 2, false,
	  "(?:ServerSocket|InetSocketAddress|Jetty|Netty|Undertow|SunHttp|HttpServer\\.create|new\\s+Server)\\((?:\\s*\"[^"
	  "\"]*\"\\s*,)?\\s*(\\d{2,5})" },
	{ SRC_JVM, 2, false, "^\\s*(?:Spark\\.)?port\\(\\s*(\\d{2,5})\\s*\\)" },
	{ SRC_JVM, 2, false, "\\b(?:int|Integer|val|var)\\s+" VAR "\\s*(?::\\s*Int)?\\s*=\\s*(\\d{2,5})" },
	{ SRC_JVM, 0, true, "getenv\\(\\s*\"PORT\"|getenv\\(\\)\\[\"PORT\"\\]" },

	/* Ruby */
	{ SRC_RUBY, 3, true, "ENV\\.fetch\\(\\s*['\"]" NAME "['\"]\\s*(?:,\\s*['\"]?|\\)\\s*\\{\\s*['\"]?)(\\d{2,5})" },
	{ SRC_RUBY, 3, true, "ENV\\[['\"]" NAME "['\"]\\][^\\n]{0,20}\\|\\|\\s*['\"]?(\\d{2,5})" },
	{ SRC_RUBY, 2, false, "\\bset\\s*\\(?:?port['\"]?\\s*(?:,|=>)\\s*['\"]?(\\d{2,5})" },
	{ SRC_RUBY, 2, false, "^\\s*port\\s*\\(?\\s*['\"]?(\\d{2,5})" },
	{ SRC_RUBY, 2, false, "(?:Port|port)\\s*(?::|=>|=)\\s*['\"]?(\\d{2,5})" },
	{ SRC_RUBY, 2, false, "TCPServer\\.new\\s*\\(?(?:\\s*['\"][^'\"]*['\"]\\s*,)?\\s*(\\d{2,5})" },
	{ SRC_RUBY, 0, true, "ENV(?:\\.fetch\\(|\\[)\\s*['\"]PORT['\"]" },

	/* PHP */
	{ SRC_PHP, 3, true,
	  "(?:getenv|env)\\(\\s*['\"]" NAME "['\"]\\s*(?:\\)\\s*(?:\\?:|\\?\\?)\\s*|,\\s*)['\"]?(\\d{2,5})" },
	{ SRC_PHP, 2, false, "(?:->listen|new\\s+[\\w\\\\]*Server)\\([^;\\n]{0,60}?['\"]?[\\d.]*['\"]?[:,]\\s*(\\d{2,5})" },

	/* .NET */
	{ SRC_DOTNET, 3, true, "GetEnvironmentVariable\\(\\s*\"" NAME "\"\\s*\\)\\s*\\?\\?\\s*\"?(\\d{2,5})" },
	{ SRC_DOTNET, 2, false, "(?:UseUrls|\\.Run|Urls\\.Add)\\(\\s*\\$?\"https?://[^:\"\\n]+:(\\d{2,5})" },
	{ SRC_DOTNET, 2, false, "(?:ListenAnyIP|ListenLocalhost)\\(\\s*(\\d{2,5})" },
	{ SRC_DOTNET, 2, false, "(?:TcpListener|HttpListener)[^;\\n]{0,80}?(?::|,\\s*)(\\d{2,5})" },
	{ SRC_DOTNET, 0, true, "GetEnvironmentVariable\\(\\s*\"PORT\"" },

	/* Elixir */
	{ SRC_ELIXIR, 3, true, "get_env\\(\\s*\"" NAME "\"\\s*(?:,\\s*|\\)\\s*\\|\\|\\s*)\"?(\\d{2,5})" },
	{ SRC_ELIXIR, 2, false, "\\bhttp:\\s*\\[[^\\]]{0,120}?\\bport:\\s*(\\d{2,5})" },
	{ SRC_ELIXIR, 2, false, "(?:Plug\\.Cowboy|Bandit|Cowboy2?)\\b[^}]{0,120}?\\bport:\\s*(\\d{2,5})" },
	{ SRC_ELIXIR, 0, true, "get_env\\(\\s*\"PORT\"" },

	/* C, C++ */
	{ SRC_C, 2, false, "htons\\(\\s*(\\d{2,5})\\s*\\)" },
	{ SRC_C, 2, false, "#\\s*define\\s+(?:\\w*_)?PORT(?:_\\w+)?\\s+\\(?\"?(\\d{2,5})" },
	{ SRC_C, 2, false,
	  "(?:\\.listen|\\.port|addListener|\\.bind|mg_http_listen)\\(\\s*(?:[^,()\\n]{0,60},\\s*)?\"?(?:http://"
	  "[^:\"]+:)?(\\d{2,5})" },
	{ SRC_C, 2, false, "\\b(?:int|short|uint16_t|auto|size_t)\\s+(?:const\\s+)?" IN_NAME "\\s*=\\s*(\\d{2,5})" },
	{ SRC_C, 2, false, "endpoint\\([^;\\n]{0,80}?,\\s*(\\d{2,5})\\s*\\)" },
	{ SRC_C, 2, false, "\"(?:https?://)?(?:0\\.0\\.0\\.0|127\\.0\\.0\\.1|localhost|\\*):(\\d{2,5})" },
	{ SRC_C, 1, false, IN_NAME "\\s*=\\s*(\\d{2,5})\\s*[;,]" },
	{ SRC_C, 0, true, "getenv\\(\\s*\"PORT\"" },

	/* Shell */
	{ SRC_SHELL, 3, true, "\\$\\{PORT:?-(\\d{2,5})\\}" },
	{ SRC_SHELL, 2, false, "^\\s*(?:export\\s+)?PORT=['\"]?(\\d{2,5})" },
	{ SRC_SHELL, 2, false, "(?:--port[= ]|http\\.server\\s+|-l\\s+-?p?\\s*|:)(\\d{4,5})\\b" },
	{ SRC_SHELL, 0, true, "\\$\\{?PORT\\b" },
};

const size_t port_patterns_len = ARRAY_SIZE(port_patterns);
