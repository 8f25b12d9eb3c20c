/* Runs a fuzz target over a stored corpus without a fuzzer: replay FOLDER. Every file below it is one input; the empty
 * input comes first. */

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INPUT_MAX (16 * 1024 * 1024)
#define FOLDERS_OPEN 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned inputs; /* nftw() passes nothing to its callback */

static int replay(const uint8_t *data, size_t size)
{
	LLVMFuzzerTestOneInput(data, size);
	inputs++;
	return 0;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)where;
	if (type == FTW_D || type == FTW_DP)
		return 0;
	if (type != FTW_F || st->st_size > INPUT_MAX) {
		fprintf(stderr, "%s: not a readable file of at most %d bytes\n", path, INPUT_MAX);
		return -1;
	}
	FILE *f = fopen(path, "re");
	if (!f) {
		perror(path);
		return -1;
	}
	/* Exactly as large as the input, so that AddressSanitizer sees one byte too far. */
	size_t size = (size_t)st->st_size;
	uint8_t *data = malloc(size ? size : 1);
	int r = data && fread(data, 1, size, f) == size ? 0 : -1;
	fclose(f);
	if (r < 0)
		fprintf(stderr, "%s: cannot read all of it\n", path);
	else
		r = replay(data, size);
	free(data);
	return r;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	uint8_t none = 0;
	replay(&none, 0);
	if (nftw(argv[1], visit, FOLDERS_OPEN, FTW_PHYS) != 0) {
		fprintf(stderr, "%s: replay failed after %u inputs\n", argv[1], inputs);
		return 1;
	}
	printf("%u inputs replayed\n", inputs);
	return 0;
}
