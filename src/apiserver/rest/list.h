#ifndef APISERVER_LIST_H
#define APISERVER_LIST_H
/* Lists: selectors, resource versions, pages. */

#include "kube/selector.h"
#include "request.h"
#include "store/store.h"

/* What a request selects, for store_list_query.select and for watches. */
struct list_selection {
	const struct api_type *type;
	struct kube_selector *labels, *fields; /* NULL: everything */
	char *name;                            /* only this one; NULL: all */
};
/* ERR_BAD_REQUEST for malformed selectors and fields the type does not support. */
int list_selection_parse(const struct api_request *req, struct list_selection *ret, struct err *err);
void list_selection_clear(struct list_selection *s);
bool list_selects(const struct list_selection *s, const struct store_object *o);
/* The same for store_list_query. */
bool list_select(const void *selection, const struct store_object *o);
bool list_selects_all(const struct list_selection *s);

/* Runs the request's list. ret_continue (free(); may come back NULL) is the token for the next page; with ERR_EXPIRED
 * one to go on with inconsistently. */
int list_run(struct api_request *req, const struct list_selection *selection, struct store_list *ret,
             char **ret_continue, struct err *err);
/* The namespace the request is about, "" for all. */
const char *list_namespace(const struct api_request *req);
/* ERR_TIMEOUT, with the cause ResourceVersionTooLarge, for a version of the future. */
int list_check_version(struct apiserver *s, uint64_t version, struct err *err);

/* Answers with the list in the request's form; takes the list over. token NULL: it is complete. list_answer.c */
void list_respond(struct api_request *req, struct store_list *list, const char *token);

/* ERR_NOT_ACCEPTABLE when metadata of a list was asked for where there is one object, or the other way round. */
int list_check_form(const struct api_request *req, bool is_list, struct err *err);
/* The error of list_run(), with its token if there is one. */
void list_respond_err(struct api_request *req, const char *token, const struct err *err);

/* On a worker. */
void handle_list(struct api_request *req);
void handle_watch(struct api_request *req);

#endif
