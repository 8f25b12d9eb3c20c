/* Languages that are compiled: Go, Rust, Java, Kotlin, .NET, Elixir, C, C++. */

#include "analyzer_testing.h"

#define GO_MAIN "package main\nimport \"net/http\"\n"

static const struct tree_case go[] = {
	{ "go", "net/http and nothing else",
	  { { "go.mod", "module example.org/hello\n\ngo 1.22\n" }, { "main.go", GO_MAIN "func main() {\n\thttp.ListenAndServe(\":8085\", nil)\n}\n" } },
	  "go", "go", 8085, false, "go", NULL, "go build -o bin/hello .", "./bin/hello", NULL, "main.go" },
	{ "gin", "r.Run() reads PORT or takes 8080",
	  { { "go.mod", "module example.org/shop/v2\ngo 1.21\nrequire (\n\tgithub.com/gin-gonic/gin v1.9.1\n\tgolang.org/x/net v0.1.0 // indirect\n)\n" },
	    { "main.go", "package main\nimport \"github.com/gin-gonic/gin\"\nfunc main() { r := gin.Default(); r.Run() }\n" } },
	  "gin", "go", 8080, false, "go", "go mod download", "go build -o bin/shop .", "./bin/shop", NULL, "go.mod" },
	{ "echo in cmd", "of several programs the one that listens",
	  { { "go.mod", "module a.b/c\nrequire github.com/labstack/echo/v4 v4.11.0\n" },
	    { "cmd/migrate/main.go", "package main\nfunc main() {}\n" },
	    { "cmd/server/main.go", "package main\nimport \"github.com/labstack/echo/v4\"\nfunc main() { echo.New().Start(\":1444\") }\n" } },
	  "echo", "go", 1444, false, "go", "go mod download", "go build -o bin/server ./cmd/server", "./bin/server", NULL, "cmd/server/main.go" },
	{ "fiber", "the port from a helper's default",
	  { { "go.mod", "module f\nrequire github.com/gofiber/fiber/v2 v2.5.0\n" },
	    { "main.go", "package main\nimport \"github.com/gofiber/fiber/v2\"\nfunc main() { fiber.New().Listen(\":\" + getenv(\"PORT\", \"3737\")) }\n" } },
	  "fiber", "go", 3737, true, "go", "go mod download", "go build -o bin/f .", "./bin/f", NULL, "main.go" },
	{ "chi with a default after Getenv", "the usual three lines",
	  { { "go.mod", "module c\nrequire github.com/go-chi/chi/v5 v5.0.0\n" },
	    { "main.go", GO_MAIN "import \"github.com/go-chi/chi/v5\"\nfunc main() {\n\tport := os.Getenv(\"PORT\")\n\tif port == \"\" {\n\t\tport = \"8484\"\n\t}\n}\n" } },
	  "chi", "go", 8484, true, "go", "go mod download", "go build -o bin/c .", "./bin/c", NULL, "main.go" },
	{ "go library", "no program at all", { { "go.mod", "module a.b/lib\n" }, { "lib.go", "package lib\n" } },
	  "go", "go", 0, false, "go", NULL, NULL, NULL, NULL, "go.mod" },
};

#define CARGO "[package]\nname = \"shop\"\nversion = \"0.1.0\"\n[dependencies]\n"

static const struct tree_case rust[] = {
	{ "axum", "the address in bind()",
	  { { "Cargo.toml", CARGO "axum = \"0.7\"\ntokio = { version = \"1\", features = [\"full\"] }\n" }, { "Cargo.lock", "" },
	    { "src/main.rs", "async fn main() { let l = tokio::net::TcpListener::bind(\"0.0.0.0:3131\").await; axum::serve(l, app).await }\n" } },
	  "axum", "rust", 3131, false, "cargo", "cargo fetch --locked", "cargo build --release --locked --bin shop", "./target/release/shop", NULL, "src/main.rs" },
	{ "actix", "address and port as a pair",
	  { { "Cargo.toml", CARGO "actix-web = \"4\"\n" }, { "src/main.rs", "HttpServer::new(|| App::new()).bind((\"127.0.0.1\", 8181))?.run()\n" } },
	  "actix", "rust", 8181, false, "cargo", "cargo fetch", "cargo build --release --bin shop", "./target/release/shop", NULL, "Cargo.toml" },
	{ "rocket", "takes its port from us",
	  { { "Cargo.toml", CARGO "rocket = \"0.5\"\n" }, { "src/main.rs", "#[launch] fn rocket() -> _ { rocket::build() }\n" }, { "Rocket.toml", "[default]\nport = 8989\n" } },
	  "rocket", "rust", 8989, true, "cargo", "cargo fetch", "cargo build --release --bin shop", "ROCKET_ADDRESS=127.0.0.1 ROCKET_PORT=${PORT:-8989} ./target/release/shop", NULL, "Rocket.toml" },
	{ "workspace", "built at its top, where the target folder is",
	  { { "Cargo.toml", "[workspace]\nmembers = [\"server\", \"core\"]\n" }, { "core/Cargo.toml", "[package]\nname = \"core\"\n" }, { "core/src/lib.rs", "" },
	    { "server/Cargo.toml", "[package]\nname = \"web\"\n[dependencies]\naxum = { workspace = true }\n" },
	    { "server/src/main.rs", "fn main() { let port = env::var(\"PORT\").unwrap_or_else(|_| \"4040\".to_string()); axum::serve() }\n" } },
	  "axum", "rust", 4040, true, "cargo", "cargo fetch", "cargo build --release --package web --bin web", "cd server && ../target/release/web", NULL, "server/Cargo.toml" },
};

#define POM "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">"
#define MAIN_CLASS "package a;\npublic class Main {\n  public static void main(String[] args) {}\n}\n"

static const struct tree_case jvm[] = {
	{ "spring-boot with maven", "the jar by its name; the port from application.properties",
	  { { "pom.xml", POM "<parent><groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-parent</artifactId><version>3.2.0</version></parent>"
	                 "<artifactId>shop</artifactId><version>1.0</version><properties><java.version>21</java.version></properties><dependencies><dependency>"
	                 "<groupId>org.springframework.boot</groupId><artifactId>spring-boot-starter-web</artifactId></dependency></dependencies>"
	                 "<build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins></build></project>" },
	    { "src/main/java/a/Main.java", MAIN_CLASS }, { "src/main/resources/application.properties", "spring.x=1\nserver.port=${PORT:8282}\n" } },
	  "spring-boot", "java", 8282, true, "maven", NULL, "mvn -B -DskipTests package", "java -jar target/shop-1.0.jar --server.port=${PORT:-8282}", NULL, "pom.xml" },
	{ "spring-boot with gradle", "Kotlin's build file, the port from application.yml",
	  { { "build.gradle.kts", "plugins {\n  id(\"org.springframework.boot\") version \"3.2.0\"\n  kotlin(\"jvm\") version \"1.9\"\n}\ndependencies {\n"
	                          "  implementation(\"org.springframework.boot:spring-boot-starter-web\")\n}\n" },
	    { "settings.gradle.kts", "rootProject.name = \"shop\"\n" }, { "src/main/kotlin/Main.kt", "fun main(args: Array<String>) {}\n" },
	    { "src/main/resources/application.yml", "spring:\n  application:\n    name: x\nserver:\n  port: 8383\n" } },
	  "spring-boot", "kotlin", 8383, true, "gradle", NULL, "gradle bootJar", "java -jar build/libs/*.jar --server.port=${PORT:-8383}", NULL, "build.gradle.kts" },
	{ "quarkus", "writes its main method itself",
	  { { "pom.xml", POM "<artifactId>q</artifactId><version>1</version><dependencies><dependency><groupId>io.quarkus</groupId><artifactId>quarkus-rest</artifactId></dependency></dependencies>"
	                 "<build><plugins><plugin><groupId>io.quarkus</groupId><artifactId>quarkus-maven-plugin</artifactId></plugin></plugins></build></project>" },
	    { "mvnw", "" } },
	  "quarkus", "java", 8080, true, "maven", NULL, "sh ./mvnw -B -DskipTests package", "java -Dquarkus.http.port=${PORT:-8080} -jar target/quarkus-app/quarkus-run.jar", NULL, "pom.xml" },
	{ "micronaut", "a plugin gives it away",
	  { { "build.gradle", "plugins {\n    id(\"io.micronaut.application\") version \"4.2.0\"\n}\n" }, { "src/main/java/a/Main.java", MAIN_CLASS } },
	  "micronaut", "java", 8080, true, "gradle", NULL, "gradle assemble", "MICRONAUT_SERVER_PORT=${PORT:-8080} java -jar build/libs/*-all.jar", NULL, "build.gradle" },
	{ "ktor with a version catalogue", "names are looked up in gradle/libs.versions.toml",
	  { { "build.gradle.kts", "plugins {\n  alias(libs.plugins.ktor)\n}\ndependencies {\n  implementation(libs.ktor.server.core)\n}\n" },
	    { "gradle/libs.versions.toml", "[libraries]\nktor-server-core = { module = \"io.ktor:ktor-server-core\" }\n[plugins]\nktor = { id = \"io.ktor.plugin\", version = \"2\" }\n" },
	    { "src/main/kotlin/App.kt", "fun main() { embeddedServer(Netty, port = 8686) {} }\n" } },
	  "ktor", "kotlin", 8686, false, "gradle", NULL, "gradle buildFatJar", "java -jar build/libs/*-all.jar", NULL, "src/main/kotlin/App.kt" },
	{ "maven modules", "the module that starts, built from the top",
	  { { "pom.xml", POM "<artifactId>top</artifactId><packaging>pom</packaging><modules><module>lib</module><module>web</module></modules></project>" },
	    { "lib/pom.xml", POM "<artifactId>lib</artifactId></project>" },
	    { "web/pom.xml", POM "<artifactId>web</artifactId><version>2</version><dependencies><dependency><groupId>org.springframework.boot</groupId>"
	                         "<artifactId>spring-boot-starter-web</artifactId></dependency></dependencies></project>" },
	    { "web/src/main/java/a/Main.java", MAIN_CLASS } },
	  "spring-boot", "java", 8080, true, "maven", NULL, "mvn -B -DskipTests package -pl web -am", "cd web && java -jar target/web-2.jar --server.port=${PORT:-8080}", NULL, "web/pom.xml" },
	{ "plain java", "Maven knows the class path",
	  { { "pom.xml", POM "<artifactId>x</artifactId><version>1</version></project>" }, { "src/main/java/a/Main.java", MAIN_CLASS } },
	  "java", "java", 0, false, "maven", NULL, "mvn -B -DskipTests package", "mvn -q exec:java -Dexec.mainClass=a.Main", NULL, "src/main/java/a/Main.java" },
};

static const struct tree_case others[] = {
	{ "aspnet", "the port of the project's own profile, not IIS'",
	  { { "Shop.csproj", "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><PropertyGroup><TargetFramework>net8.0</TargetFramework></PropertyGroup></Project>" },
	    { "Program.cs", "var app = WebApplication.Create(args); app.Run();" },
	    { "Properties/launchSettings.json", "\xef\xbb\xbf{\"iisSettings\":{\"iisExpress\":{\"applicationUrl\":\"http://localhost:1\"}},"
	                                        "\"profiles\":{\"http\":{\"commandName\":\"Project\",\"applicationUrl\":\"https://localhost:7001;http://localhost:5211\"}}}" } },
	  "aspnet", "csharp", 5211, true, "nuget", "dotnet restore Shop.csproj", "dotnet publish Shop.csproj -c Release -o publish", "dotnet publish/Shop.dll --urls http://127.0.0.1:${PORT:-5211}", NULL, "Shop.csproj" },
	{ "dotnet", "a program that does not listen",
	  { { "src/Tool/Tool.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><OutputType>Exe</OutputType></PropertyGroup></Project>" },
	    { "tests/Tool.Tests/Tool.Tests.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"><ItemGroup><PackageReference Include=\"Microsoft.NET.Test.Sdk\" Version=\"1\" /></ItemGroup></Project>" } },
	  "dotnet", "csharp", 0, false, "nuget", "cd src/Tool && dotnet restore Tool.csproj", "cd src/Tool && dotnet publish Tool.csproj -c Release -o publish", "cd src/Tool && dotnet publish/Tool.dll", NULL, "src/Tool/Tool.csproj" },
	{ "phoenix", "the port from config/dev.exs",
	  { { "mix.exs", "defmodule A.MixProject do\n def project, do: [app: :a, elixir: \"~> 1.15\"]\n def application, do: [mod: {A.Application, []}]\n defp deps do\n [{:phoenix, \"~> 1.7\"}, {:credo, \"~> 1\", only: [:dev, :test]}]\n end\nend\n" },
	    { "config/dev.exs", "config :a, AWeb.Endpoint,\n  http: [ip: {127, 0, 0, 1}, port: 4141]\n" } },
	  "phoenix", "elixir", 4141, false, "mix", "mix local.hex --force && mix local.rebar --force && mix deps.get", "mix compile", "mix phx.server", NULL, "mix.exs" },
	{ "elixir", "an application without Phoenix",
	  { { "mix.exs", "def project, do: [app: :a]\ndef application, do: [mod: {A, []}]\n" }, { "lib/a.ex", "{Bandit, plug: A, port: 4545}\n" } },
	  "elixir", "elixir", 4545, false, "mix", "mix local.hex --force && mix local.rebar --force && mix deps.get", "mix compile", "mix run --no-halt", NULL, "mix.exs" },
	{ "cmake", "the executable of a folder below",
	  { { "CMakeLists.txt", "project(shop CXX)\nadd_subdirectory(src)\n" }, { "src/CMakeLists.txt", "add_executable(shop main.cpp)\nadd_executable(shop_test t.cpp)\n" },
	    { "src/main.cpp", "int main() { svr.listen(\"0.0.0.0\", 8787); }\n" } },
	  "cmake", "cpp", 8787, false, "cmake", NULL, "cmake -S . -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build", "./build/src/shop", NULL, "src/CMakeLists.txt" },
	{ "meson", "its executable",
	  { { "meson.build", "project('shop', 'c')\nexecutable('shopd', 'main.c')\n" }, { "main.c", "#define PORT 9191\nint main(void) { return htons(PORT); }\n" } },
	  "meson", "c", 9191, false, "meson", NULL, "meson setup build --buildtype=release && meson compile -C build", "./build/shopd", NULL, "meson.build" },
	{ "make", "the program that its first rule links",
	  { { "Makefile", "all: httpd\n\nhttpd: main.o\n\t$(CC) -o $@ main.o\nclean:\n\trm -f httpd\n" }, { "main.c", "int main(void) { addr.sin_port = htons(8888); }\n" } },
	  "make", "c", 8888, false, "make", NULL, "make", "./httpd", NULL, "Makefile" },
};

static void test_golang(void **state)
{
	(void)state;
	expect_cases(go, ARRAY_SIZE(go));
}

static void test_rust(void **state)
{
	(void)state;
	expect_cases(rust, ARRAY_SIZE(rust));
}

static void test_jvm(void **state)
{
	(void)state;
	expect_cases(jvm, ARRAY_SIZE(jvm));
}

static void test_dotnet_elixir_native(void **state)
{
	(void)state;
	expect_cases(others, ARRAY_SIZE(others));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golang),
		cmocka_unit_test(test_rust),
		cmocka_unit_test(test_jvm),
		cmocka_unit_test(test_dotnet_elixir_native),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
