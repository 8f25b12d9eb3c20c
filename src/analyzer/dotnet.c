/* .NET: *.csproj, *.fsproj, *.vbproj. */

#include "candidate.h"
#include "manifest.h"
#include "sources.h"

#include "base/str.h"

static bool is_project(const char *name)
{
	return str_ends_with(name, ".csproj") || str_ends_with(name, ".fsproj") || str_ends_with(name, ".vbproj");
}

/* A value of the first PropertyGroup that has it. */
static const char *property(const struct xml_node *project, const char *name)
{
	for (const struct xml_node *g = xml_child(project, "PropertyGroup"); g; g = xml_next(g, "PropertyGroup")) {
		const char *value = xml_child_text(g, name);

		if (!str_empty(value) && !strchr(value, '$'))
			return value;
	}
	return NULL;
}

static void read_packages(struct analysis *a, struct candidate *c, const struct xml_node *project, const struct text *t)
{
	for (const struct xml_node *g = xml_child(project, "ItemGroup"); g; g = xml_next(g, "ItemGroup")) {
		for (const struct xml_node *p = xml_child(g, "PackageReference"); p; p = xml_next(p, "PackageReference")) {
			const char *name = xml_attribute(p, "Include"), *version = xml_attribute(p, "Version");

			if (!str_empty(name))
				candidate_dep(a, c, name, version ? version : xml_child_text(p, "Version"), false, t,
				              text_find(t, 0, name));
		}
	}
}

/* "net8.0" → "8.0"; of several the first. What projects have in common may be said in a folder above. */
static const char *target(struct analysis *a, struct tree_dir *dir, const struct xml_node *project)
{
	const char *s = NULL;
	char *version;

	for (; dir && !s; dir = dir->parent) {
		s = property(project, "TargetFramework");
		if (!s)
			s = property(project, "TargetFrameworks");
		project = manifest_xml(a, tree_read_at(&a->tree, dir, "Directory.Build.props"));
	}
	if (!s)
		return NULL;
	version = arena_strndup(a->arena, s, strcspn(s, ";"));
	if (str_starts_with(version, "netcoreapp"))
		return version + strlen("netcoreapp");
	return str_starts_with(version, "net") && version[3] >= '5' && version[3] <= '9' ? version + 3
	       : str_starts_with(version, "net1") && strchr(version, '.')                ? version + 3
	                                                                                 : version;
}

/* launchSettings.json: profiles.NAME.applicationUrl = "https://localhost:7001;http://localhost:5000". Those of IIS are
 * for Windows only. */
static void read_launch_settings(struct analysis *a, struct candidate *c, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "Properties/launchSettings.json");
	json_t *profiles = json_object_get(manifest_json(a, t), "profiles"), *profile;
	const char *name;

	json_object_foreach (profiles, name, profile) {
		const char *url = json_get_str(profile, "applicationUrl");
		struct regex_match m;
		size_t pos = 0;

		if (str_eq(json_get_str(profile, "commandName"), "Project") && url &&
		    regex_next(a->regex, "(?:^|;)http://[^:;]+:(\\d+)", url, strlen(url), &pos, &m))
			candidate_port(a, c, port_number(m.group[1], m.len[1]), PORT_CONFIG, t, text_find(t, 0, url),
			               "launchSettings.json");
	}
}

static bool is_test(const struct candidate *c, const char *stem)
{
	return candidate_dep_find(c, "Microsoft.NET.Test.Sdk") || str_ends_with(stem, ".Tests") ||
	       str_ends_with(stem, "Tests") || str_ends_with(stem, ".Test");
}

/* Does the project make a program for the web? Its SDK says so, or what it refers to. */
static bool is_web(const struct candidate *c, const struct text *t, const char *sdk)
{
	return str_eq(sdk, "Microsoft.NET.Sdk.Web") || candidate_dep_find(c, "Microsoft.AspNetCore.App") ||
	       candidate_dep_find(c, "Microsoft.AspNetCore.All") || candidate_dep_find(c, "Microsoft.AspNetCore") ||
	       text_has(t, "FrameworkReference Include=\"Microsoft.AspNetCore.App\"");
}

static void set_blazor(struct analysis *a, struct candidate *c, struct tree_dir *dir, const char *file)
{
	c->framework = "dotnet";
	c->server = false;
	c->port_from_env = true;
	c->static_dir = "publish/wwwroot";
	command_set(a, &c->build, dir, "dotnet publish %s -c Release -o publish", shell_path(a, file));
	command_set(a, &c->start, dir, "scia serve --spa publish/wwwroot");
}

static void set_commands(struct analysis *a, struct candidate *c, struct tree_dir *dir, const char *file,
                         const char *assembly)
{
	command_set(a, &c->install, dir, "dotnet restore %s", shell_path(a, file));
	if (c->library)
		return;
	command_set(a, &c->build, dir, "dotnet publish %s -c Release -o publish", shell_path(a, file));
	command_set(a, &c->start, dir,
	            str_eq(c->framework, "aspnet") ? "dotnet publish/%s --urls http://{host}:{port}" : "dotnet publish/%s",
	            shell_word(a, text_printf(a, "%s.dll", assembly)));
}

static void detect_project(struct analysis *a, struct tree_dir *dir, struct tree_file *file)
{
	const struct text *t = tree_read(&a->tree, dir, file);
	const struct xml_node *project = manifest_xml(a, t);
	const char *stem = arena_strndup(a->arena, file->name, (size_t)(strrchr(file->name, '.') - file->name));
	const char *sdk = project ? xml_attribute(project, "Sdk") : NULL, *output, *assembly;
	struct tree_dir *at;
	struct candidate *c;
	bool web, program;

	c = t ? candidate_new(a, dir, ECO_DOTNET, "dotnet", "csharp", SCORE_LIBRARY) : NULL;
	if (!c)
		return;
	c->language = str_ends_with(file->name, ".fsproj")   ? "fsharp"
	              : str_ends_with(file->name, ".vbproj") ? "vb"
	                                                     : "csharp";
	c->name = stem;
	c->package_manager = "nuget";
	c->library = true;
	candidate_because(a, c, t, SIZE_MAX, project ? "a .NET project" : "a .NET project that is not valid XML");
	if (!project)
		return;
	read_packages(a, c, project, t);
	c->runtime_version = target(a, dir, project);
	output = property(project, "OutputType");
	assembly = property(project, "AssemblyName");
	web = is_web(c, t, sdk);
	program = tree_file_at(dir, "Program.cs", &at) || tree_file_at(dir, "Program.fs", &at) ||
	          tree_file_at(dir, "Startup.cs", &at);
	if (web && !str_eq(sdk, "Microsoft.NET.Sdk.Web") && !program) {
		candidate_why(a, c, t, SIZE_MAX, "what web projects share");
	} else if (web) {
		c->framework = "aspnet";
		c->default_port = 5000;
		c->library = false;
		c->score = program ? SCORE_PROVEN : SCORE_FRAMEWORK - 0.1;
		candidate_because(a, c, t, text_find(t, 0, "Sdk"), "uses ASP.NET Core");
	} else if ((str_eq(output, "Exe") || str_eq(sdk, "Microsoft.NET.Sdk.Worker")) && !is_test(c, stem)) {
		c->library = false;
		c->score = SCORE_PROGRAM;
		candidate_because(a, c, t, text_find(t, 0, "OutputType"), "makes a program");
	} else if (str_eq(output, "WinExe")) {
		c->score = SCORE_LIBRARY + 0.05;
	}
	if (is_test(c, stem)) {
		c->score = SCORE_LIBRARY - 0.1;
		c->library = true;
	}
	read_launch_settings(a, c, dir);
	set_commands(a, c, dir, file->name, assembly ? assembly : stem);
	if (str_eq(sdk, "Microsoft.NET.Sdk.BlazorWebAssembly")) {
		c->library = false;
		c->score = SCORE_CLIENT;
		set_blazor(a, c, dir, file->name);
	}
}

static void detect_dotnet(struct analysis *a, struct tree_dir *dir)
{
	for (size_t i = 0; i < dir->files_len; i++)
		if (is_project(dir->files[i].name))
			detect_project(a, dir, &dir->files[i]);
}

const struct detector dotnet_detector = { ECO_DOTNET, "dotnet", detect_dotnet };
