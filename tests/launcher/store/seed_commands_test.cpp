// SPDX-License-Identifier: LGPL-2.1-or-later
// What the operations guides do to the database with psql and pg_dump, line for line.
#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <fstream>

#include "tests/launcher/store/shipper_fixture.h"

namespace dragoman {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Here the server is a socket in a folder, and nobody becomes another user.
constexpr char kHere[] = R"sh(
here() {
  local program=$1 each words=(); shift
  for each in "$@"; do [ "$each" = localhost ] && each=$PGHOST; words+=("$each"); done
  command "$program" "${words[@]}"
}
psql() { here psql "$@"; }
pg_dump() { here pg_dump "$@"; }
createdb() { here createdb "$@"; }
sudo() { shift 2; "$@"; }
)sh";

class SeedCommandsTest : public ShipperTest {
 protected:
  void SetUp() override {
    ShipperTest::SetUp();
    if (IsSkipped()) return;
    server().run(
        "DO $$ BEGIN CREATE ROLE postgres SUPERUSER LOGIN; EXCEPTION WHEN duplicate_object "
        "THEN NULL; END $$",
        "postgres");
    g_setenv("PGHOST", PgTarget(server().conninfo(), "").host().c_str(), TRUE);
    g_setenv("PGUSER", "postgres", TRUE);
    server().make_database("audio_optimization");
  }
  void TearDown() override {
    g_unsetenv("PGHOST");
    g_unsetenv("PGUSER");
  }
  /// What `script` prints, errors as well, in the test's folder. It has to succeed.
  std::string bash(const std::string& script) {
    const std::string file = folder() + "/script";
    std::ofstream(file) << "set -o pipefail -e\n" << kHere << script;
    FILE* pipe = ::popen(("cd '" + folder() + "' && bash script 2>&1").c_str(), "r");
    std::string text;
    std::array<char, 4096> piece;
    for (size_t size; (size = ::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
      text.append(piece.data(), size);
    EXPECT_EQ(::pclose(pipe), 0) << script << "\n" << text;
    return text;
  }
  static uint64_t now() { return static_cast<uint64_t>(g_get_real_time()) * 1000; }
};

TEST_F(SeedCommandsTest, the_health_check_and_the_call_test_read_the_view) {
  MetricRow row = metric_row(0, "CALL-1");
  row.bucket_ts = now() / (5 * kSecondNs) * 5 * kSecondNs;
  journal_->append(row);
  journal_->flush();
  ASSERT_TRUE(ship(*start("audio_optimization")));
  EXPECT_THAT(bash(R"sh(psql -h localhost -U postgres -d audio_optimization -c "SELECT 1;")sh"),
              HasSubstr("(1 row)"));
  EXPECT_THAT(
      bash(
          R"sh(record_count=$(psql -h localhost -U postgres -d audio_optimization -t -c "SELECT COUNT(*) FROM station_snapshots;" 2>/dev/null)
if [ $? -eq 0 ]; then
    echo "Database: CONNECTED (Records: $record_count)"
fi)sh"),
      HasSubstr("CONNECTED (Records:      1)"));
  EXPECT_THAT(bash(R"sh(psql -h localhost -U postgres -d audio_optimization -c "
SELECT station_id, COUNT(*) as calls, MAX(created_at) as last_activity
FROM station_snapshots
WHERE created_at > NOW() - INTERVAL '1 hour'
GROUP BY station_id;" 2>/dev/null)sh"),
              HasSubstr(" STATION_3  |     1 | "));
  EXPECT_THAT(bash(R"sh(psql -h localhost -U postgres -d audio_optimization -c "
SELECT * FROM station_snapshots
WHERE call_id LIKE 'CALL-%'
ORDER BY created_at DESC
LIMIT 5;")sh"),
              HasSubstr(R"({"audio_level_dbfs": -24.5})"));
  EXPECT_THAT(
      bash(
          R"sh(psql -h localhost -U postgres -d audio_optimization -c "VACUUM ANALYZE station_snapshots;")sh"),
      HasSubstr("VACUUM"));
}

TEST_F(SeedCommandsTest, a_dump_of_the_schema_makes_a_database_that_is_shipped_to) {
  append_one_of_each(*journal_);
  journal_->flush();
  ASSERT_TRUE(ship(*start()));
  bash(R"sh(sudo -u postgres pg_dump -d monitoring_v2 \
  --schema-only \
  -f monitoring_v2_schema_$(date +%Y%m%d).sql
mv monitoring_v2_schema_*.sql monitoring_v2_schema.sql
psql -d postgres -c "DROP DATABASE monitoring_v2"
sudo -u postgres createdb monitoring_v2
sudo -u postgres psql -d monitoring_v2 < monitoring_v2_schema.sql
)sh");
  EXPECT_EQ(ask_server(kCounts), "0 0 0 0 0 0");
  auto shipper = start();
  ASSERT_TRUE(ship(*shipper)) << shipper->status().last_error;
  EXPECT_EQ(ask_server(kCounts), "1 1 1 1 1 1");
  EXPECT_EQ(ask_server("SELECT count(*) FROM station_snapshots"), "1");
}

TEST_F(SeedCommandsTest, a_full_dump_brings_all_back_and_shipping_goes_on) {
  append_one_of_each(*journal_);
  journal_->flush();
  ASSERT_TRUE(ship(*start("audio_optimization")));
  const std::string restored = bash(R"sh(BACKUP_DIR=.; TIMESTAMP=$(date +%Y%m%d_%H%M%S)
pg_dump -h localhost -U postgres audio_optimization > $BACKUP_DIR/db_backup_$TIMESTAMP.sql
psql -U postgres -c "DROP DATABASE audio_optimization;"
psql -U postgres -c "CREATE DATABASE audio_optimization;"
psql -h localhost -U postgres audio_optimization < $BACKUP_DIR/db_backup_$TIMESTAMP.sql
pg_dump audio_optimization > again.sql
# pg_dump gives each file a key of its own.
diff <(grep -v restrict db_backup_$TIMESTAMP.sql) <(grep -v restrict again.sql)
)sh");
  EXPECT_THAT(restored, Not(HasSubstr("ERROR")));
  append_one_of_each(*journal_, "t2");
  journal_->flush();
  auto shipper = start("audio_optimization");
  ASSERT_TRUE(ship(*shipper)) << shipper->status().last_error;
  EXPECT_EQ(server().ask(kCounts, "audio_optimization"), "2 2 2 2 2 2");
  EXPECT_EQ(shipper->status().rows_shipped, 6u);
}

}  // namespace
}  // namespace dragoman
