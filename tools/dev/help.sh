# shellcheck shell=bash

verb_help() {
	cat <<'TEXT'
usage: ./dev VERB [ARGUMENTS]

  run [-- REPO_URL ["PROMPT"]]   set up, start the embedded control plane, deploy an example
                                 (or the given repository), stay until Ctrl-C
  test [unit|e2e|web|NAME]       set up, then every test (or one group, or those whose name
                                 contains NAME); ends with "N passed, N failed, N skipped"

  deps                           install every Debian and npm package that is needed
  build [--release|--asan|--tsan] [--clang]
                                 compile into build/KIND (default: debug, with fault points)
  lint                           clang-tidy, shellcheck, layering, sizes of files and functions
  fmt [--check]                  format the C sources with clang-format
  fuzz [TARGET] [SECONDS]        run the fuzz targets (all, 60 seconds each)
  bench [NAME] [ARGUMENTS]       run the benchmarks, which print figures
  soak [MINUTES]                 long kill, churn and leak runs
  help                           this text

All verbs but deps, fmt and help do the set-up they need by themselves.
TEXT
}
