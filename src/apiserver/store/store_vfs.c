#include "store_vfs.h"

const char *store_vfs_name(void)
{
	return "unix-excl";
}
