/* GET /scia/backup: all objects of one moment, in the form of a backup (store_backup.h), while the server works. What
 * is encrypted on the disk is encrypted in it too. */
#include "handler.h"
#include "respond.h"
#include "server.h"
#include "store/store_backup.h"

#define PIECE ((size_t)64 * 1024)

struct sending {
	struct http_stream *stream;
	struct buf piece; /* small records together */
};

static bool send_pending(struct sending *s)
{
	bool ok = s->piece.len == 0 || http_stream_write(s->stream, s->piece.data, s->piece.len);

	buf_reset(&s->piece);
	return ok;
}

static int send_data(void *self, const void *data, size_t len, struct err *err)
{
	struct sending *s = self;
	bool ok = s->piece.len + len <= PIECE || send_pending(s);

	if (ok && len <= PIECE)
		buf_append(&s->piece, data, len);
	else
		ok = ok && http_stream_write(s->stream, data, len);
	return ok ? 0 : err_set(err, ERR_UNAVAILABLE, "the client is gone or too slow");
}

void handle_backup(struct api_request *req)
{
	struct http_headers headers = { 0 };
	struct sending s = { .piece = BUF_INIT(PIECE) };
	_cleanup_(store_backup_writer_freep) struct store_backup_writer *writer = store_backup_writer_new(
		&(struct store_backup_sink){ .write = send_data, .self = &s });
	_cleanup_err_ struct err err = { 0 };

	api_respond_headers(req, "application/octet-stream", &headers);
	s.stream = http_respond_stream(TAKE_PTR(req->http), 200, &headers, NULL, NULL);
	http_headers_clear(&headers);
	/* What breaks off has no end, which whoever reads it notices. */
	if (store_backup(req->server->store, writer, &err) < 0)
		log_warn(req->server->log, "a backup was broken off: %s", err_message(&err));
	else
		send_pending(&s);
	http_stream_end(s.stream);
	buf_clear(&s.piece);
	api_request_done(req, 200);
}
