#ifndef APISERVER_STORE_VFS_H
#define APISERVER_STORE_VFS_H
/* The layer between SQLite and the file system. */

/* Name of the VFS to open with. Its locks exclude other processes, and the index of the write-ahead log is in our own
 * memory, shared by our connections (SQLite's "unix-excl"). In a build with fault points, a layer above it fails or
 * kills (store_vfs_faults.c). */
const char *store_vfs_name(void);

#endif
