#include "datastores.h"

#include "compose.h"
#include "sources.h"
#include "base/str.h"

struct store_dep {
	const char *dep; /* the whole name; with "*" at its end, its beginning */
	const char *type;
};

/* Client libraries of every ecosystem; their names differ enough to stand in one table. */
static const struct store_dep deps[] = {
	{ "pg", "postgresql" },
	{ "pg-promise", "postgresql" },
	{ "postgres", "postgresql" },
	{ "psycopg*", "postgresql" },
	{ "asyncpg", "postgresql" },
	{ "@neondatabase/serverless", "postgresql" },
	{ "@vercel/postgres", "postgresql" },
	{ "github.com/lib/pq", "postgresql" },
	{ "github.com/jackc/pgx*", "postgresql" },
	{ "gorm.io/driver/postgres", "postgresql" },
	{ "tokio-postgres", "postgresql" },
	{ "deadpool-postgres", "postgresql" },
	{ "org.postgresql:postgresql", "postgresql" },
	{ "io.quarkus:quarkus-jdbc-postgresql", "postgresql" },
	{ "io.quarkus:quarkus-reactive-pg-client", "postgresql" },
	{ "Npgsql*", "postgresql" },
	{ "postgrex", "postgresql" },
	{ "org.postgresql:r2dbc-postgresql", "postgresql" },
	{ "mysql", "mysql" },
	{ "mysql2", "mysql" },
	{ "pymysql", "mysql" },
	{ "mysqlclient", "mysql" },
	{ "aiomysql", "mysql" },
	{ "mysql-connector-python", "mysql" },
	{ "flask-mysqldb", "mysql" },
	{ "github.com/go-sql-driver/mysql", "mysql" },
	{ "gorm.io/driver/mysql", "mysql" },
	{ "mysql_async", "mysql" },
	{ "mysql:mysql-connector-java", "mysql" },
	{ "com.mysql:mysql-connector-j", "mysql" },
	{ "io.quarkus:quarkus-jdbc-mysql", "mysql" },
	{ "Pomelo.EntityFrameworkCore.MySql", "mysql" },
	{ "MySql.*", "mysql" },
	{ "MySqlConnector", "mysql" },
	{ "myxql", "mysql" },
	{ "mariadb", "mariadb" },
	{ "org.mariadb.jdbc:mariadb-java-client", "mariadb" },
	{ "mongoose", "mongodb" },
	{ "mongodb", "mongodb" },
	{ "@nestjs/mongoose", "mongodb" },
	{ "pymongo", "mongodb" },
	{ "motor", "mongodb" },
	{ "mongoengine", "mongodb" },
	{ "flask-pymongo", "mongodb" },
	{ "djongo", "mongodb" },
	{ "beanie", "mongodb" },
	{ "go.mongodb.org/mongo-driver*", "mongodb" },
	{ "mongoid", "mongodb" },
	{ "MongoDB.Driver", "mongodb" },
	{ "mongodb/*", "mongodb" },
	{ "jenssegers/mongodb", "mongodb" },
	{ "org.springframework.boot:spring-boot-starter-data-mongodb*", "mongodb" },
	{ "mongodb_driver", "mongodb" },
	{ "redis", "redis" },
	{ "ioredis", "redis" },
	{ "connect-redis", "redis" },
	{ "bullmq", "redis" },
	{ "bull", "redis" },
	{ "django-redis", "redis" },
	{ "aioredis", "redis" },
	{ "github.com/redis/go-redis*", "redis" },
	{ "github.com/go-redis/redis*", "redis" },
	{ "github.com/gomodule/redigo", "redis" },
	{ "deadpool-redis", "redis" },
	{ "sidekiq", "redis" },
	{ "resque", "redis" },
	{ "predis/predis", "redis" },
	{ "StackExchange.Redis", "redis" },
	{ "Microsoft.Extensions.Caching.StackExchangeRedis", "redis" },
	{ "org.springframework.boot:spring-boot-starter-data-redis*", "redis" },
	{ "redis.clients:jedis", "redis" },
	{ "redix", "redis" },
	{ "@upstash/redis", "redis" },
	{ "sqlite3", "sqlite" },
	{ "better-sqlite3", "sqlite" },
	{ "sqlite", "sqlite" },
	{ "aiosqlite", "sqlite" },
	{ "github.com/mattn/go-sqlite3", "sqlite" },
	{ "modernc.org/sqlite", "sqlite" },
	{ "gorm.io/driver/sqlite", "sqlite" },
	{ "github.com/glebarez/sqlite", "sqlite" },
	{ "rusqlite", "sqlite" },
	{ "Microsoft.EntityFrameworkCore.Sqlite", "sqlite" },
	{ "Microsoft.Data.Sqlite", "sqlite" },
	{ "ecto_sqlite3", "sqlite" },
	{ "org.xerial:sqlite-jdbc", "sqlite" },
	{ "@libsql/client", "sqlite" },
	{ "@aws-sdk/client-s3", "s3" },
	{ "multer-s3", "s3" },
	{ "minio", "s3" },
	{ "aws-sdk-s3", "s3" },
	{ "github.com/minio/minio-go*", "s3" },
	{ "github.com/aws/aws-sdk-go-v2/service/s3", "s3" },
	{ "AWSSDK.S3", "s3" },
	{ "league/flysystem-aws-s3-v3", "s3" },
	{ "ex_aws_s3", "s3" },
	{ "django-storages", "s3" },
	{ "software.amazon.awssdk:s3", "s3" },
	{ "io.minio:minio", "s3" },
	{ "Minio", "s3" },
	{ "amqplib", "rabbitmq" },
	{ "amqp-connection-manager", "rabbitmq" },
	{ "pika", "rabbitmq" },
	{ "aio-pika", "rabbitmq" },
	{ "lapin", "rabbitmq" },
	{ "github.com/streadway/amqp", "rabbitmq" },
	{ "github.com/rabbitmq/amqp091-go", "rabbitmq" },
	{ "bunny", "rabbitmq" },
	{ "RabbitMQ.Client", "rabbitmq" },
	{ "MassTransit.RabbitMQ", "rabbitmq" },
	{ "org.springframework.boot:spring-boot-starter-amqp", "rabbitmq" },
	{ "broadway_rabbitmq", "rabbitmq" },
	{ "kafkajs", "kafka" },
	{ "node-rdkafka", "kafka" },
	{ "kafka-python", "kafka" },
	{ "confluent-kafka", "kafka" },
	{ "aiokafka", "kafka" },
	{ "github.com/segmentio/kafka-go", "kafka" },
	{ "github.com/IBM/sarama", "kafka" },
	{ "github.com/Shopify/sarama", "kafka" },
	{ "github.com/confluentinc/confluent-kafka-go*", "kafka" },
	{ "rdkafka", "kafka" },
	{ "Confluent.Kafka", "kafka" },
	{ "org.springframework.kafka:spring-kafka", "kafka" },
	{ "org.apache.kafka:kafka-clients", "kafka" },
	{ "@elastic/elasticsearch", "elasticsearch" },
	{ "elasticsearch", "elasticsearch" },
	{ "elasticsearch-dsl", "elasticsearch" },
	{ "github.com/elastic/go-elasticsearch*", "elasticsearch" },
	{ "github.com/olivere/elastic*", "elasticsearch" },
	{ "org.springframework.boot:spring-boot-starter-data-elasticsearch", "elasticsearch" },
	{ "NEST", "elasticsearch" },
	{ "searchkick", "elasticsearch" },
	{ "memcached", "memcached" },
	{ "memjs", "memcached" },
	{ "pymemcache", "memcached" },
	{ "python-memcached", "memcached" },
	{ "pylibmc", "memcached" },
	{ "dalli", "memcached" },
	{ "github.com/bradfitz/gomemcache", "memcached" },
	{ "mssql", "sqlserver" },
	{ "tedious", "sqlserver" },
	{ "pymssql", "sqlserver" },
	{ "Microsoft.EntityFrameworkCore.SqlServer", "sqlserver" },
	{ "Microsoft.Data.SqlClient", "sqlserver" },
	{ "gorm.io/driver/sqlserver", "sqlserver" },
	{ "com.microsoft.sqlserver:mssql-jdbc", "sqlserver" },
	{ "neo4j-driver", "neo4j" },
	{ "neo4j", "neo4j" },
	{ "github.com/neo4j/neo4j-go-driver*", "neo4j" },
	{ "cassandra-driver", "cassandra" },
	{ "github.com/gocql/gocql", "cassandra" },
	{ "nats", "nats" },
	{ "github.com/nats-io/nats.go", "nats" },
	{ "clickhouse-connect", "clickhouse" },
	{ "@clickhouse/client", "clickhouse" },
	{ "github.com/ClickHouse/clickhouse-go*", "clickhouse" },
	{ "com.h2database:h2", "h2" },
};

/* Parts of image names in a compose file. */
static const struct store_dep images[] = {
	{ "postgres", "postgresql" },
	{ "postgis", "postgresql" },
	{ "timescale", "postgresql" },
	{ "pgvector", "postgresql" },
	{ "mysql", "mysql" },
	{ "mariadb", "mariadb" },
	{ "mongo", "mongodb" },
	{ "redis", "redis" },
	{ "valkey", "redis" },
	{ "rabbitmq", "rabbitmq" },
	{ "kafka", "kafka" },
	{ "redpanda", "kafka" },
	{ "elasticsearch", "elasticsearch" },
	{ "opensearch", "elasticsearch" },
	{ "memcached", "memcached" },
	{ "minio", "s3" },
	{ "localstack", "s3" },
	{ "mssql", "sqlserver" },
	{ "neo4j", "neo4j" },
	{ "cassandra", "cassandra" },
	{ "nats", "nats" },
	{ "clickhouse", "clickhouse" },
};

/* Web front ends of databases are not databases. */
static const char *const not_stores[] = {
	"express", "commander", "admin", "exporter", "ui", "insight", "console", NULL
};

/* What settings say, and the files that hold them. */
static const struct store_dep schemes[] = {
	{ "postgres", "postgresql" }, { "postgresql", "postgresql" },
	{ "pgsql", "postgresql" },    { "mysql", "mysql" },
	{ "mysql2", "mysql" },        { "mariadb", "mariadb" },
	{ "mongodb", "mongodb" },     { "mongodb+srv", "mongodb" },
	{ "redis", "redis" },         { "rediss", "redis" },
	{ "amqp", "rabbitmq" },       { "amqps", "rabbitmq" },
	{ "sqlite", "sqlite" },       { "sqlite3", "sqlite" },
	{ "sqlserver", "sqlserver" }, { "h2", "h2" },
};

static const struct {
	const char *file, *regex; /* group 1: one of the schemes */
} settings[] = {
	{ ".env.example", "\\b([a-z0-9+]{2,12}?)(?:\\+\\w+)?://" },
	{ ".env.example", "^(?:DB_CONNECTION|DB_DIALECT|DB_TYPE|DATABASE_TYPE|TYPEORM_CONNECTION)\\s*=\\s*[\"']?(\\w+)" },
	{ ".env.sample", "\\b([a-z0-9+]{2,12}?)(?:\\+\\w+)?://" },
	{ ".env", "\\b([a-z0-9+]{2,12}?)(?:\\+\\w+)?://" },
	{ ".env", "^(?:DB_CONNECTION|DB_DIALECT)\\s*=\\s*[\"']?(\\w+)" },
	{ "prisma/schema.prisma", "^\\s*provider\\s*=\\s*\"(\\w+)\"" },
	{ "config/database.yml", "^\\s*adapter:\\s*[\"']?(\\w+)" },
	{ "src/main/resources/application.properties", "jdbc:(\\w+):" },
	{ "src/main/resources/application.yml", "jdbc:(\\w+):" },
	{ "src/main/resources/application.yaml", "jdbc:(\\w+):" },
	{ "Cargo.toml", "(?:sqlx|diesel|sea-orm|diesel-async)\\s*=[^\\n]*\"(?:sqlx-)?(postgres|mysql|sqlite)" },
	{ "config/config.json", "\"dialect\"\\s*:\\s*\"(\\w+)\"" },
};

static bool name_matches(const char *name, const char *pattern)
{
	size_t n = strlen(pattern);

	return pattern[n - 1] == '*' ? !strncmp(name, pattern, n - 1) : str_eq(name, pattern);
}

static void from_deps(struct analysis *a, struct candidate *c)
{
	for (const struct dependency *d = c->deps; d; d = d->next)
		for (size_t i = 0; i < ARRAY_SIZE(deps); i++)
			if (!d->dev && name_matches(d->name, deps[i].dep))
				candidate_store(a, c, deps[i].type, d->file, d->line, text_printf(a, "depends on %s", d->name));
}

static const char *scheme_type(const char *scheme)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (str_eq(schemes[i].dep, scheme))
			return schemes[i].type;
	return NULL;
}

static void from_settings(struct analysis *a, struct candidate *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct text *t = tree_read_at(&a->tree, c->dir, settings[i].file);
		struct regex_match m;
		size_t pos = 0;

		while (t && regex_next(a->regex, settings[i].regex, t->data, t->len, &pos, &m)) {
			const char *scheme = regex_group(a->arena, &m, 1), *type = scheme_type(scheme);

			if (type)
				candidate_store(a, c, type, t->path, text_line(t, m.start),
				                text_printf(a, "its settings say %s", scheme));
		}
	}
}

/* ENGINE of Django's DATABASES. */
static void from_django(struct analysis *a, struct candidate *c)
{
	const struct source_list list = sources_find(a, c->dir, ECO_PYTHON, SRC_PYTHON, NULL, 60);

	for (size_t i = 0; i < list.len; i++) {
		const struct source *s = &list.v[i];
		const struct text *t = str_starts_with(s->file->name, "settings") || str_eq(s->dir->name, "settings")
		                           ? source_text(a, s)
		                           : NULL;
		struct regex_match m;
		size_t pos = 0;

		while (t && regex_next(a->regex, "django\\.(?:contrib\\.gis\\.)?db\\.backends\\.(\\w+)", t->data, t->len, &pos,
		                       &m)) {
			const char *type = scheme_type(regex_group(a->arena, &m, 1));

			if (type)
				candidate_store(a, c, type, t->path, text_line(t, m.start), "ENGINE of DATABASES");
		}
	}
}

static void from_compose(struct analysis *a, struct candidate *c)
{
	for (const struct compose_service *s = a->compose; s; s = s->next) {
		const char *base = s->image ? arena_strndup(a->arena, path_base(s->image), strcspn(path_base(s->image), ":@"))
		                            : NULL;
		bool front = false;

		for (size_t i = 0; base && not_stores[i]; i++)
			front |= str_contains(base, not_stores[i]);
		/* Only a compose file at or above the candidate speaks for it. */
		if (!base || front || (s->dir->path[0] && s->dir != c->dir && !str_starts_with(c->dir->path, s->dir->path)))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(images); i++)
			if (str_contains(base, images[i].dep)) {
				candidate_store(a, c, images[i].type, s->text->path, text_line(s->text, s->at),
				                text_printf(a, "service %s of the compose file: %s", s->name, s->image));
				break;
			}
	}
}

void datastores_find(struct analysis *a, struct candidate *c)
{
	from_deps(a, c);
	from_settings(a, c);
	if (str_eq(c->framework, "django"))
		from_django(a, c);
	if (c->server)
		from_compose(a, c);
}
