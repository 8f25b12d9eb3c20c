#include "provider/nop/nop.h"

static json_t *rendered_revision(const json_t *managed)
{
	json_t *revision = json_at(managed, "spec", "forProvider", "revision", NULL);
	return revision ? json_pack("{s:O}", "revision", revision) : NULL;
}

static int nop_observe(void *self _unused_, struct kube_pass *pass _unused_, const json_t *managed,
                       struct provider_observation *ret)
{
	*ret = (struct provider_observation){
		.exists = true,
		.up_to_date = true,
		.ready = true,
		.reason = "Available",
		.status = rendered_revision(managed),
	};
	return 0;
}

static int nop_change(void *self _unused_, struct kube_pass *pass _unused_, const json_t *managed _unused_)
{
	return 0;
}

struct provider_driver provider_nop_driver(void)
{
	return (struct provider_driver){
		.type = &SCIA_NOP,
		.observe = nop_observe,
		.create = nop_change,
		.update = nop_change,
		.del = nop_change,
	};
}
