/* How often each key was used outlives the process: the file has, for each, a number that the count has not reached.
 * It is raised a step at a time, within a transaction that is under way anyway. After a start the count goes on from
 * there, so at most a step is lost to each start, and nothing is ever counted too little, but for what backups seal
 * between two commits. */
#include "store_db_internal.h"
#include "store_keys_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define STEP 65536
#define PREFIX "sealed:"
#define NAME_MAX_LEN 63

static uint64_t checksum_of(const char *key, uint64_t uses)
{
	return store_checksum(uses, key, strlen(key));
}

/* "sealed:0a1b2c3d:NAME" */
static char *row_key(const struct store_key_use *use)
{
	const unsigned char *p = use->print;

	return xasprintf(PREFIX "%02x%02x%02x%02x:%s", p[0], p[1], p[2], p[3], use->name);
}

static void load_row(struct store_db *db, sqlite3_stmt *stmt)
{
	const char *key = (const char *)sqlite3_column_text(stmt, 0);
	uint64_t uses = (uint64_t)sqlite3_column_int64(stmt, 1);
	unsigned p[STORE_KEY_PRINT];
	unsigned char print[STORE_KEY_PRINT];
	char name[NAME_MAX_LEN + 1];

	if (!key || sscanf(key, PREFIX "%2x%2x%2x%2x:%63[^\n]", &p[0], &p[1], &p[2], &p[3], name) != 5)
		return;
	for (int i = 0; i < STORE_KEY_PRINT; i++)
		print[i] = (unsigned char)p[i];
	if ((uint64_t)sqlite3_column_int64(stmt, 2) != checksum_of(key, uses)) {
		log_warn(db->log, "store %s: how often the encryption key \"%s\" was used is damaged: replace the key soon",
		         db->path, name);
		return;
	}
	if (uses > 0)
		store_keys_set_bound(db->keys, name, print, uses);
}

int store_uses_load(struct store_db *db, struct err *err)
{
	static const char query[] = "SELECT key,value,checksum FROM meta WHERE key>='sealed:' AND key<'sealed;'";
	_cleanup_(sqlite3_finalizep) sqlite3_stmt *stmt = NULL;
	int r;

	if (!db->keys)
		return 0;
	if (sqlite3_prepare_v2(db->sql, query, -1, &stmt, NULL) != SQLITE_OK)
		return store_sql_error(db->sql, db->path, "reading", err);
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW)
		load_row(db, stmt);
	return r == SQLITE_DONE ? 0 : store_sql_error(db->sql, db->path, "reading", err);
}

static int save_use(void *self, struct store_key_use *use, struct err *err)
{
	static const char statement[] = "INSERT OR REPLACE INTO meta(key,value,checksum) VALUES(?1,?2,?3)";
	_cleanup_(sqlite3_finalizep) sqlite3_stmt *stmt = NULL;
	struct store_db *db = self;
	uint64_t sealed = atomic_load(&use->sealed), bound = sealed + STEP;

	if (sealed < use->saved || sealed == 0)
		return 0;
	_cleanup_free_ char *key = row_key(use);
	if (sqlite3_prepare_v2(db->sql, statement, -1, &stmt, NULL) != SQLITE_OK)
		return store_sql_error(db->sql, db->path, "writing", err);
	sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, (int64_t)bound);
	sqlite3_bind_int64(stmt, 3, (int64_t)checksum_of(key, bound));
	if (sqlite3_step(stmt) != SQLITE_DONE)
		return store_sql_error(db->sql, db->path, "writing", err);
	use->saved = bound;
	return 0;
}

int store_uses_save(struct store_db *db, struct err *err)
{
	return store_keys_each_use(db->keys, save_use, db, err);
}

static int forget_use(void *self _unused_, struct store_key_use *use, struct err *err _unused_)
{
	use->saved = 0;
	return 0;
}

void store_uses_rolled_back(struct store_db *db)
{
	store_keys_each_use(db->keys, forget_use, NULL, NULL);
}
