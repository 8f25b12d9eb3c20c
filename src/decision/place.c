/* Regions of the clouds and the places they lie in. */

#include "catalogue.h"

#include "base/str.h"

#include <stdio.h>

struct place {
	const char *name;
	const char *words;             /* what people call it, separated by '|' */
	const char *aws, *gcp, *azure; /* '~' first: none there, this is the nearest */
};

static const struct place places[] = {
	{ "Paris", "paris|france|france central", "eu-west-3", "europe-west9", "francecentral" },
	{ "Ireland", "ireland|dublin|north europe", "eu-west-1", "~europe-west2", "northeurope" },
	{ "Frankfurt", "frankfurt|germany|berlin|munich", "eu-central-1", "europe-west3", "germanywestcentral" },
	{ "London", "london|uk|england|britain|great britain|uk south|united kingdom", "eu-west-2", "europe-west2",
	  "uksouth" },
	{ "Stockholm", "stockholm|sweden", "eu-north-1", "~europe-north1", "swedencentral" },
	{ "Milan", "milan|italy", "eu-south-1", "europe-west8", "italynorth" },
	{ "Spain", "spain|madrid", "eu-south-2", "europe-southwest1", "spaincentral" },
	{ "Zurich", "zurich|zürich|switzerland", "eu-central-2", "europe-west6", "switzerlandnorth" },
	{ "the Netherlands", "netherlands|west europe|amsterdam|holland", "~eu-central-1", "europe-west4", "westeurope" },
	{ "Belgium", "belgium|brussels", "~eu-west-3", "europe-west1", "~westeurope" },
	{ "Finland", "finland|helsinki", "~eu-north-1", "europe-north1", "~swedencentral" },
	{ "Warsaw", "warsaw|poland", "~eu-central-1", "europe-central2", "polandcentral" },
	{ "Norway", "norway|oslo", "~eu-north-1", "~europe-north1", "norwayeast" },
	{ "Virginia", "virginia|north virginia|northern virginia|us east|east us|us east coast|east coast", "us-east-1",
	  "us-east4", "eastus" },
	{ "Ohio", "ohio", "us-east-2", "us-east5", "~eastus2" },
	{ "California", "california|san francisco|los angeles", "us-west-1", "us-west2", "westus" },
	{ "Oregon", "oregon|us west|west us|west coast|seattle", "us-west-2", "us-west1", "westus2" },
	{ "Iowa", "iowa", "~us-east-2", "us-central1", "centralus" },
	{ "Texas", "texas|dallas", "~us-east-2", "us-south1", "southcentralus" },
	{ "Montreal", "montreal|canada|quebec", "ca-central-1", "northamerica-northeast1", "canadaeast" },
	{ "Toronto", "toronto", "~ca-central-1", "northamerica-northeast2", "canadacentral" },
	{ "São Paulo", "sao paulo|são paulo|brazil", "sa-east-1", "southamerica-east1", "brazilsouth" },
	{ "Mumbai", "mumbai|india", "ap-south-1", "asia-south1", "~centralindia" },
	{ "Singapore", "singapore", "ap-southeast-1", "asia-southeast1", "southeastasia" },
	{ "Sydney", "sydney|australia", "ap-southeast-2", "australia-southeast1", "australiaeast" },
	{ "Melbourne", "melbourne", "ap-southeast-4", "australia-southeast2", "australiasoutheast" },
	{ "Jakarta", "jakarta|indonesia", "ap-southeast-3", "asia-southeast2", "indonesiacentral" },
	{ "Tokyo", "tokyo|japan", "ap-northeast-1", "asia-northeast1", "japaneast" },
	{ "Osaka", "osaka", "ap-northeast-3", "asia-northeast2", "japanwest" },
	{ "Seoul", "seoul|korea|south korea", "ap-northeast-2", "asia-northeast3", "koreacentral" },
	{ "Hong Kong", "hong kong", "ap-east-1", "asia-east2", "eastasia" },
	{ "Taiwan", "taiwan|taipei", "~ap-east-1", "asia-east1", "~eastasia" },
	{ "South Africa", "south africa|cape town|johannesburg", "af-south-1", "africa-south1", "southafricanorth" },
	{ "Bahrain", "bahrain", "me-south-1", "~me-central1", "~uaenorth" },
	{ "the Emirates", "uae|dubai|emirates|united arab emirates", "me-central-1", "~me-central1", "uaenorth" },
	{ "Qatar", "qatar|doha", "~me-central-1", "me-central1", "qatarcentral" },
	{ "Israel", "israel|tel aviv", "il-central-1", "me-west1", "israelcentral" },
	/* Continents and countries with several: one that has every service. After the above, so that codes find those. */
	{ "the United States", "us|usa|america|united states", "us-east-1", "us-central1", "eastus" },
	{ "Europe", "europe|eu|european union", "eu-west-1", "europe-west1", "westeurope" },
	{ "Asia", "asia", "ap-southeast-1", "asia-southeast1", "southeastasia" },
};

/* Azure's names follow no scheme; these lie in no place above. */
static const char *const azure_others[] = { "eastus2",          "westus3",
	                                        "northcentralus",   "westcentralus",
	                                        "ukwest",           "francesouth",
	                                        "germanynorth",     "switzerlandwest",
	                                        "norwaywest",       "swedensouth",
	                                        "southindia",       "westindia",
	                                        "centralindia",     "koreasouth",
	                                        "australiacentral", "southafricawest",
	                                        "uaecentral",       "brazilsoutheast",
	                                        "mexicocentral",    "belgiumcentral",
	                                        "austriaeast",      "chilecentral",
	                                        "newzealandnorth",  "malaysiawest",
	                                        "jioindiawest",     NULL };

/* Takes one of the '|'-separated words that s begins with; the length, 0 when none fits. */
static size_t take_any(const char *s, const char *words)
{
	size_t best = 0;

	for (const char *p = words; *p;) {
		size_t len = (size_t)(strchrnul(p, '|') - p);
		if (len > best && strncmp(s, p, len) == 0)
			best = len;
		p += len + (p[len] == '|');
	}
	return best;
}

#define DIRECTIONS "north|south|east|west|central|northeast|northwest|southeast|southwest"

/* eu-west-3, us-gov-east-1, with a zone's letter or without */
static bool parse_aws(const char *word, char *code)
{
	const char *p = word;
	size_t n;

	if (!(n = take_any(p, "us|eu|ap|sa|ca|me|af|il|mx|cn")) || p[n] != '-')
		return false;
	p += n + 1;
	if (str_starts_with(p, "gov-"))
		p += 4;
	if (!(n = take_any(p, DIRECTIONS)) || p[n] != '-' || p[n + 1] < '1' || p[n + 1] > '9')
		return false;
	p += n + 2;
	if (*p && (p[0] < 'a' || p[0] > 'f' || p[1]))
		return false;
	snprintf(code, 40, "%.*s", (int)(p - word), word);
	return true;
}

/* europe-west9, us-central1-a */
static bool parse_gcp(const char *word, char *code)
{
	const char *p = word;
	size_t n;

	if (!(n = take_any(p, "us|europe|asia|northamerica|southamerica|australia|me|africa")) || p[n] != '-')
		return false;
	p += n + 1;
	if (!(n = take_any(p, DIRECTIONS)))
		return false;
	p += n;
	n = strspn(p, "0123456789");
	if (n < 1 || n > 2)
		return false;
	p += n;
	if (*p && (p[0] != '-' || p[1] < 'a' || p[1] > 'f' || p[2]))
		return false;
	snprintf(code, 40, "%.*s", (int)(p - word), word);
	return true;
}

static const char *code_of(const struct place *p, enum catalogue_cloud cloud)
{
	return cloud == CLOUD_AWS ? p->aws : cloud == CLOUD_GCP ? p->gcp : p->azure;
}

bool catalogue_region_parse(const char *word, enum catalogue_cloud *ret_cloud, char ret_code[static 40])
{
	char lower[40];

	if (strlen(word) >= sizeof(lower))
		return false;
	snprintf(lower, sizeof(lower), "%s", word);
	str_lower(lower);
	if (parse_aws(lower, ret_code)) {
		*ret_cloud = CLOUD_AWS;
		return true;
	}
	if (parse_gcp(lower, ret_code)) {
		*ret_cloud = CLOUD_GCP;
		return true;
	}
	if (catalogue_place_of(CLOUD_AZURE, lower) < 0 && !str_in(lower, azure_others))
		return false;
	*ret_cloud = CLOUD_AZURE;
	snprintf(ret_code, 40, "%s", lower);
	return true;
}

int catalogue_place_find(const char *words)
{
	size_t len = strlen(words);

	for (size_t i = 0; len && i < ARRAY_SIZE(places); i++) {
		for (const char *p = places[i].words; *p;) {
			size_t n = (size_t)(strchrnul(p, '|') - p);
			if (n == len && memcmp(p, words, n) == 0)
				return (int)i;
			p += n + (p[n] == '|');
		}
	}
	return -1;
}

int catalogue_place_of(enum catalogue_cloud cloud, const char *code)
{
	for (size_t i = 0; cloud != CLOUD_NONE && i < ARRAY_SIZE(places); i++) {
		if (str_eq(code_of(&places[i], cloud), code))
			return (int)i;
	}
	return -1;
}

const char *catalogue_place_region(int place, enum catalogue_cloud cloud, bool *ret_near)
{
	const char *code = code_of(&places[place], cloud);

	*ret_near = code[0] == '~';
	return code + *ret_near;
}

const char *catalogue_place_name(int place)
{
	return places[place].name;
}
