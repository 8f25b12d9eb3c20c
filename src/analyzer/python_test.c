#include "analyzer_testing.h"

#define VENV "python3 -m venv .venv && .venv/bin/pip install "
#define IN_VENV ". .venv/bin/activate && "

static const struct tree_case flask[] = {
	{ "flask with gunicorn", "the server that is among the dependencies",
	  { { "requirements.txt", "Flask==3.0\ngunicorn>=21 # server\n" }, { "app.py", "from flask import Flask\napp = Flask(__name__)\n" } },
	  "flask", "python", 5000, true, "pip", VENV "-r requirements.txt", NULL, IN_VENV "gunicorn --bind 127.0.0.1:${PORT:-5000} app:app", NULL, "app.py" },
	{ "flask alone", "flask run reads the port from us, which its main block does not",
	  { { "requirements.txt", "flask" },
	    { "server.py", "from flask import Flask\nweb = Flask(__name__)\nif __name__ == '__main__':\n    web.run(host='0.0.0.0', port=8800)\n" } },
	  "flask", "python", 8800, true, "pip", VENV "-r requirements.txt", NULL, IN_VENV "flask --app server:web run --host 127.0.0.1 --port ${PORT:-8800}", NULL, "server.py" },
	{ "flask with a main block that does more", "then only that makes the database",
	  { { "requirements.txt", "flask" },
	    { "app.py", "from flask import Flask\napp = Flask(__name__)\nif __name__ == '__main__':\n    init_db()\n    app.run(port=8801)\n" } },
	  "flask", "python", 8801, false, "pip", VENV "-r requirements.txt", NULL, IN_VENV "python app.py", NULL, "app.py" },
	{ "flask factory", "create_app() in a package",
	  { { "requirements.txt", "flask\ngunicorn" }, { "shop/__init__.py", "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    return app\n" } },
	  "flask", "python", 5000, true, "pip", VENV "-r requirements.txt", NULL, IN_VENV "gunicorn --bind 127.0.0.1:${PORT:-5000} 'shop:create_app()'", NULL, "shop/__init__.py" },
	{ "flask in src", "src/app.py imports src/models.py by its bare name, so it has to start there",
	  { { "requirements.txt", "flask\ngunicorn" }, { "src/app.py", "import models\nfrom flask import Flask\napp = Flask(__name__)\n" }, { "src/models.py", "" } },
	  "flask", "python", 5000, true, "pip", VENV "-r requirements.txt", NULL, IN_VENV "gunicorn --chdir src --bind 127.0.0.1:${PORT:-5000} app:app", NULL, "src/app.py" },
	{ "flask without a manifest", "the import is enough",
	  { { "app.py", "from flask import Flask\napp = Flask(__name__)\n" } },
	  "flask", "python", 5000, true, "pip", VENV "flask", NULL, IN_VENV "flask --app app run --host 127.0.0.1 --port ${PORT:-5000}", NULL, "app.py" },
	{ "flask with a Procfile", "who wrote it has deployed it",
	  { { "requirements.txt", "flask\ngunicorn" }, { "wsgi.py", "from flask import Flask\napplication = Flask(__name__)\n" },
	    { "Procfile", "release: true\nweb: gunicorn wsgi:application -b 0.0.0.0:8090\n" } },
	  "flask", "python", 8090, false, "pip", VENV "-r requirements.txt", NULL, IN_VENV "gunicorn wsgi:application -b 0.0.0.0:8090", NULL, "Procfile" },
};

static const struct tree_case others[] = {
	{ "fastapi", "a poetry project with its module in a package",
	  { { "pyproject.toml", "[tool.poetry]\nname = \"shop\"\n[tool.poetry.dependencies]\npython = \"^3.11\"\nfastapi = \"^0.110\"\nuvicorn = {extras = [\"standard\"], version = \"^0.27\"}\n" },
	    { "poetry.lock", "" }, { "app/main.py", "from fastapi import FastAPI\nfrom app.db import x\napp: FastAPI = FastAPI()\n" }, { "app/db.py", "" }, { "app/__init__.py", "" } },
	  "fastapi", "python", 8000, true, "poetry", "poetry install --no-interaction --no-root", NULL, "poetry run uvicorn app.main:app --host 127.0.0.1 --port ${PORT:-8000}", NULL, "app/main.py" },
	{ "fastapi without a server", "uvicorn is added, or nothing could start it",
	  { { "requirements.txt", "fastapi" }, { "main.py", "from fastapi import FastAPI\napi = FastAPI()\n" } },
	  "fastapi", "python", 8000, true, "pip", VENV "-r requirements.txt uvicorn", NULL, IN_VENV "uvicorn main:api --host 127.0.0.1 --port ${PORT:-8000}", NULL, "main.py" },
	{ "fastapi with uv", "PEP 621 and uv's lock file",
	  { { "pyproject.toml", "[project]\nname = \"x\"\nrequires-python = \">=3.12\"\ndependencies = [\"fastapi[standard]>=0.115\"]\n" }, { "uv.lock", "" },
	    { "main.py", "import os\nfrom fastapi import FastAPI\napp = FastAPI()\nport = int(os.environ.get('PORT', 8070))\n" } },
	  "fastapi", "python", 8070, true, "uv", "uv sync --frozen", NULL, "uv run uvicorn main:app --host 127.0.0.1 --port ${PORT:-8070}", NULL, "pyproject.toml" },
	{ "django", "runserver when no server is among the dependencies",
	  { { "requirements.txt", "Django>=5" },
	    { "manage.py", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n" }, { "shop/settings.py", "WSGI_APPLICATION = 'shop.wsgi.application'\n" },
	    { "shop/wsgi.py", "" } },
	  "django", "python", 8000, true, "pip", VENV "-r requirements.txt", NULL, IN_VENV "python manage.py runserver 127.0.0.1:${PORT:-8000}", NULL, "manage.py" },
	{ "django with gunicorn", "its WSGI module, and static files are collected",
	  { { "requirements.txt", "django\ngunicorn\npsycopg2-binary" },
	    { "site/manage.py", "import os\nos.environ.setdefault(\"DJANGO_SETTINGS_MODULE\", \"shop.settings.dev\")\n" }, { "site/shop/settings/dev.py", "STATIC_ROOT = 'x'\n" },
	    { "site/shop/wsgi.py", "" } },
	  "django", "python", 8000, true, "pip", VENV "-r requirements.txt", IN_VENV "python site/manage.py collectstatic --noinput", IN_VENV "gunicorn --chdir site --bind 127.0.0.1:${PORT:-8000} shop.wsgi:application", NULL, "site/manage.py" },
	{ "streamlit", "its page, and its settings",
	  { { "requirements.txt", "streamlit\npandas" }, { "Home.py", "import streamlit as st\nst.set_page_config()\n" }, { "pages/1_a.py", "import streamlit as st\n" },
	    { ".streamlit/config.toml", "[server]\nport = 8600\n" } },
	  "streamlit", "python", 8600, true, "pip", VENV "-r requirements.txt", NULL, IN_VENV "streamlit run Home.py --server.address 127.0.0.1 --server.port ${PORT:-8600} --server.headless true", NULL, "Home.py" },
	{ "plain", "a file that starts itself, without dependencies",
	  { { "main.py", "from http.server import HTTPServer\nif __name__ == '__main__':\n    HTTPServer(('', 8099), H).serve_forever()\n" } },
	  "python", "python", 8099, false, NULL, NULL, NULL, "python3 main.py", NULL, "main.py" },
	{ "pipenv", "Pipfile with a lock file, a command of several parts in the Procfile",
	  { { "Pipfile", "[packages]\nflask = \"*\"\ngunicorn = \"*\"\n[requires]\npython_version = \"3.10\"\n" }, { "Pipfile.lock", "{}" },
	    { "app.py", "from flask import Flask\napp = Flask(__name__)\n" }, { "Procfile", "web: flask db upgrade && gunicorn app:app\n" } },
	  "flask", "python", 5000, false, "pipenv", "pipenv sync", NULL, "pipenv run sh -c 'flask db upgrade && gunicorn app:app'", NULL, "Procfile" },
	{ "pdm", "its own table in pyproject.toml",
	  { { "pyproject.toml", "[project]\nname = \"x\"\ndependencies = [\"flask\"]\n[tool.pdm]\n" }, { "pdm.lock", "" }, { "app.py", "from flask import Flask\napp = Flask(__name__)\n" } },
	  "flask", "python", 5000, true, "pdm", "pdm sync", NULL, "pdm run flask --app app run --host 127.0.0.1 --port ${PORT:-5000}", NULL, "pyproject.toml" },
	{ "conda", "environment.yml with a list for pip in it",
	  { { "environment.yml", "name: x\ndependencies:\n  - python=3.11\n  - flask\n  - pip:\n    - gunicorn\n" }, { "app.py", "from flask import Flask\napp = Flask(__name__)\n" } },
	  "flask", "python", 5000, true, "conda", "conda env create --prefix ./.conda --file environment.yml", NULL,
	  "conda run --no-capture-output --prefix ./.conda gunicorn --bind 127.0.0.1:${PORT:-5000} app:app", NULL, "environment.yml" },
	{ "aiohttp", "a client library too: only its server is a framework",
	  { { "requirements.txt", "aiohttp\nflask" }, { "app.py", "import aiohttp\nfrom flask import Flask\napp = Flask(__name__)\n" } },
	  "flask", "python", 5000, true, "pip", VENV "-r requirements.txt", NULL, IN_VENV "flask --app app run --host 127.0.0.1 --port ${PORT:-5000}", NULL, "app.py" },
	{ "notebooks", "requirements without a program",
	  { { "requirements.txt", "pandas" }, { "a.ipynb", "{}" }, { "helpers.py", "def f(): pass\n" } },
	  "python", "python", 0, false, "pip", VENV "-r requirements.txt", NULL, NULL, NULL, "helpers.py" },
};

static void test_python_flask(void **state)
{
	(void)state;
	expect_cases(flask, ARRAY_SIZE(flask));
}

static void test_python_others(void **state)
{
	(void)state;
	expect_cases(others, ARRAY_SIZE(others));
}

/* "pip freeze > requirements.txt" of Windows' PowerShell writes UTF-16. */
static void test_python_requirements_utf16(void **state)
{
	static const char utf16[] = "\xff\xfe" "f\0l\0a\0s\0k\0=\0=\0" "3\0\r\0\n\0";
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;

	(void)state;
	tree_write_bytes(dir, "requirements.txt", utf16, sizeof(utf16) - 1);
	tree_write(dir, "app.py", "from flask import Flask\napp = Flask(__name__)\n");
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "flask");
	assert_string_equal(json_get_str(json_array_get(json_object_get(v, "dependencies"), 0), "version"), "==3");
}

static void test_python_requirements_include(void **state)
{
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;

	(void)state;
	tree_write(dir, "requirements.txt", "-r requirements/base.txt\n--index-url https://example.org/simple\n");
	tree_write(dir, "requirements/base.txt", "-r ../requirements.txt\nfastapi\n");
	tree_write(dir, "main.py", "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/health')\ndef h(): pass\n");
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "fastapi");
	assert_string_equal(json_get_str(v, "healthPath"), "/health");
	assert_int_equal(json_get_int(v, "dependencyCount", 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_python_flask),
		cmocka_unit_test(test_python_others),
		cmocka_unit_test(test_python_requirements_utf16),
		cmocka_unit_test(test_python_requirements_include),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
