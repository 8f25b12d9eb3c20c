#ifndef CLI_COMMAND_KCL_H
#define CLI_COMMAND_KCL_H
/* The commands of `scia kcl` beside run; argv[0] is the command's own name. */

int kcl_fmt_command(int argc, char **argv);
int kcl_vet_command(int argc, char **argv);
int kcl_test_command(int argc, char **argv);
int kcl_doc_command(int argc, char **argv);

#endif
