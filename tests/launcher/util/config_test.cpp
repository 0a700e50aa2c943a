// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/util/config.h"

#include <glib.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/util/log.h"

namespace dragoman {
namespace {

using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"DRAGOMAN_ARI_PASSWORD", "MONITORING_AUDIO_PATH", "MONITORING_ENABLED",
                             "MONITORING_RETENTION_HOURS", "MONITORING_DB"})
      g_unsetenv(name);
    g_setenv("XDG_DATA_HOME", "/xdg", TRUE);
  }

  static std::string error_of(const std::string& text,
                              const std::vector<Config::Override>& overrides = {}) {
    try {
      Config::parse(text, "test.conf", overrides);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "(accepted)";
  }
};

TEST_F(ConfigTest, WithoutAFileEveryKeyHasItsDefault) {
  const Config config = Config::parse("", "test.conf", {});
  EXPECT_EQ(config.ari.url, "http://127.0.0.1:8088/ari");
  EXPECT_EQ(config.media.first_port, 4000);
  ASSERT_EQ(config.routes.size(), 2u);
  EXPECT_EQ(config.routes.at("3333").language, "en");
  EXPECT_EQ(config.routes.at("3333").hears, "en");
  EXPECT_EQ(config.routes.at("3333").station, "St_3");
  EXPECT_EQ(config.routes.at("3333").translated_station, "St_5");
  EXPECT_EQ(config.routes.at("4444").partner, "3333");
  EXPECT_EQ(config.routes.at("4444").station, "St_4");
  EXPECT_EQ(config.routes.at("4444").translated_station, "St_6");
  EXPECT_EQ(config.paths.audio, config.paths.data + "/audio");
}

TEST_F(ConfigTest, TheExampleFileSaysTheDefaults) {
  const Config example = Config::load(DRAGOMAN_EXAMPLE_CONFIG, {});
  const Config built_in = Config::parse("", "test.conf", {});
  EXPECT_EQ(example.ari.url, built_in.ari.url);
  EXPECT_EQ(example.ari.timeout_ms, built_in.ari.timeout_ms);
  EXPECT_EQ(example.media.last_port, built_in.media.last_port);
  EXPECT_EQ(example.media.format, built_in.media.format);
  EXPECT_EQ(example.calls.linger_s, built_in.calls.linger_s);
  EXPECT_EQ(example.calls.max_wait_s, built_in.calls.max_wait_s);
  EXPECT_EQ(example.paths.data, built_in.paths.data);
  EXPECT_EQ(example.monitoring.retention_hours, built_in.monitoring.retention_hours);
  EXPECT_EQ(example.postgresql_retention_hours(), built_in.postgresql_retention_hours());
  EXPECT_EQ(example.monitoring.max_disk_gb, built_in.monitoring.max_disk_gb);
  EXPECT_EQ(example.monitoring.min_free_mb, built_in.monitoring.min_free_mb);
  for (const char* extension : {"3333", "4444"}) {
    const Route &shown = example.routes.at(extension), &known = built_in.routes.at(extension);
    EXPECT_EQ(shown.language, known.language);
    EXPECT_EQ(shown.partner, known.partner);
    EXPECT_EQ(shown.port, known.port);
    EXPECT_EQ(shown.pipeline, known.pipeline);
    EXPECT_EQ(shown.station, known.station);
    EXPECT_EQ(shown.translated_station, known.translated_station);
  }
}

TEST_F(ConfigTest, AnUnknownKeyIsNamedWithItsLineAndWhatThereIs) {
  EXPECT_THAT(error_of("# comment\n[ari]\nurl = http://h:1/ari\nuserr = x\n"),
              testing::AllOf(HasSubstr("test.conf:4: unknown key userr"), HasSubstr("user")));
}

TEST_F(ConfigTest, AnUnknownGroupIsNamedWithItsLine) {
  EXPECT_THAT(error_of("\n[aria]\n"), HasSubstr("test.conf:2: unknown group [aria]"));
}

TEST_F(ConfigTest, ABadValueIsNamedWithItsLineAndWhatIsWanted) {
  EXPECT_THAT(error_of("[media]\nfirst-port = 80\n"),
              HasSubstr("test.conf:2: first-port = 80: not valid; give a number from 1024"));
  EXPECT_THAT(error_of("[ari]\nurl = ftp://x\n"), HasSubstr("test.conf:2"));
  EXPECT_THAT(error_of("[media]\nformat = opus\n"), HasSubstr("slin16"));
  EXPECT_THAT(error_of("[extension 3333]\ngain-db = loud\n"), HasSubstr("decibels"));
  EXPECT_THAT(error_of("[extension 3333]\nlanguage = English\n"), HasSubstr("language tag"));
}

TEST_F(ConfigTest, WhatIsNoKeyFileIsRefused) {
  EXPECT_THAT(error_of("just words\n"), HasSubstr("test.conf"));
}

TEST_F(ConfigTest, APasswordInTheFileIsRefusedAndNotRepeated) {
  const std::string error = error_of("[ari]\npassword = hunter2\n");
  EXPECT_THAT(error, HasSubstr("DRAGOMAN_ARI_PASSWORD"));
  EXPECT_THAT(error, testing::Not(HasSubstr("hunter2")));
  EXPECT_THAT(error_of("[ari]\nurl = http://me:hunter2@host/ari\n"), HasSubstr("without user"));
}

TEST_F(ConfigTest, OptionsWinOverTheFileAndAreNamedInErrors) {
  const Config config = Config::parse("[ari]\nurl = http://a:1/ari\n", "test.conf",
                                      {{"ari", "url", "http://b:2/ari/", "option --ari-url"}});
  EXPECT_EQ(config.ari.url, "http://b:2/ari");
  EXPECT_THAT(error_of("", {{"media", "workers", "0", "option --workers"}}),
              HasSubstr("option --workers: workers = 0"));
}

TEST_F(ConfigTest, TheEnvironmentGivesThePasswordAndTheMonitoringSettings) {
  g_setenv("DRAGOMAN_ARI_PASSWORD", "hunter2", TRUE);
  g_setenv("MONITORING_AUDIO_PATH", "/srv/audio", TRUE);
  g_setenv("MONITORING_ENABLED", "false", TRUE);
  const Config config = Config::parse("", "test.conf", {});
  EXPECT_EQ(config.ari.password, "hunter2");
  EXPECT_EQ(config.paths.audio, "/srv/audio");
  EXPECT_FALSE(config.monitoring.enabled);
  g_setenv("MONITORING_ENABLED", "perhaps", TRUE);
  EXPECT_THAT(error_of(""), HasSubstr("MONITORING_ENABLED"));
}

TEST_F(ConfigTest, MonitoringIsSwitchedByAnyUsualWord) {
  for (const char* on : {"true", "1", "yes", "TRUE"}) {
    g_setenv("MONITORING_ENABLED", on, TRUE);
    EXPECT_TRUE(Config::parse("[monitoring]\nenabled = no\n", "t", {}).monitoring.enabled) << on;
  }
  for (const char* off : {"false", "0", "no", "No"}) {
    g_setenv("MONITORING_ENABLED", off, TRUE);
    EXPECT_FALSE(Config::parse("[monitoring]\nenabled = yes\n", "t", {}).monitoring.enabled) << off;
  }
}

TEST_F(ConfigTest, TheRetentionComesFromTheFileOrTheEnvironmentWhichWins) {
  EXPECT_EQ(Config::parse("", "t", {}).monitoring.retention_hours, 72);
  const char* file = "[monitoring]\nretention-hours = 24\n";
  EXPECT_EQ(Config::parse(file, "t", {}).monitoring.retention_hours, 24);
  g_setenv("MONITORING_RETENTION_HOURS", "0", TRUE);
  EXPECT_EQ(Config::parse(file, "t", {}).monitoring.retention_hours, 0);
}

TEST_F(ConfigTest, ABadRetentionIsRefusedWithTheCure) {
  for (const char* bad : {"-1", "3 days", "72h", "1.5", "1000000", "99999999999"}) {
    g_setenv("MONITORING_RETENTION_HOURS", bad, TRUE);
    EXPECT_THAT(error_of(""), testing::AllOf(HasSubstr("MONITORING_RETENTION_HOURS"),
                                             HasSubstr(bad), HasSubstr("whole hours from 0")));
  }
}

TEST_F(ConfigTest, TheDiskHasABoundAndAFloor) {
  const Config config =
      Config::parse("[monitoring]\nmax-disk-gb = 0.5\nmin-free-mb = 0\n", "t", {});
  EXPECT_EQ(config.monitoring.max_disk_gb, 0.5);
  EXPECT_EQ(config.monitoring.min_free_mb, 0);
  EXPECT_THAT(error_of("[monitoring]\nmax-disk-gb = -1\n"), HasSubstr("gigabytes from 0"));
  EXPECT_THAT(error_of("[monitoring]\nmax-disk-gb = nan\n"), HasSubstr("gigabytes from 0"));
  EXPECT_THAT(error_of("[monitoring]\nmin-free-mb = much\n"), HasSubstr("a number from 0"));
}

TEST_F(ConfigTest, AFileWithExtensionsHasOnlyThose) {
  const Config config = Config::parse("[extension 5001]\nlanguage = fr\n", "test.conf", {});
  ASSERT_EQ(config.routes.size(), 1u);
  EXPECT_EQ(config.routes.at("5001").hears, "fr");
  EXPECT_EQ(config.routes.at("5001").partner, "");
}

TEST_F(ConfigTest, APartnerMustExistAndNameItsPartnerBack) {
  EXPECT_THAT(error_of("[extension 1]\npartner = 2\n"), HasSubstr("[extension 2]; add it"));
  EXPECT_THAT(error_of("[extension 1]\npartner = 2\n[extension 2]\npartner = 3\n"
                       "[extension 3]\npartner = 2\n"),
              HasSubstr("does not name 1"));
  EXPECT_THAT(error_of("[extension 1]\npartner = 1\n"), HasSubstr("itself"));
}

TEST_F(ConfigTest, AStationUsedTwiceInAPairIsRefused) {
  EXPECT_THAT(error_of("[extension 3333]\nstation = St_9\n[extension 4444]\nstation = St_9\n"),
              HasSubstr("St_9 is used twice"));
  EXPECT_THAT(error_of("[extension 1]\nstation = A\ntranslated-station = A\n"),
              HasSubstr("A is used twice"));
}

TEST_F(ConfigTest, TheSecondOfEachPairGetsTheSecondStations) {
  const Config config = Config::parse(
      "[extension 1]\npartner = 2\n[extension 2]\npartner = 1\n"
      "[extension 3]\npartner = 4\n[extension 4]\npartner = 3\n",
      "test.conf", {});
  EXPECT_EQ(config.routes.at("3").station, "St_3");
  EXPECT_EQ(config.routes.at("4").station, "St_4");
  EXPECT_EQ(config.routes.at("4").translated_station, "St_6");
}

TEST_F(ConfigTest, AMissingFileIsNamed) {
  try {
    Config::load("/no/such/dragoman.conf", {});
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/no/such/dragoman.conf"));
  }
}

TEST(Log, TextFromOutsideFitsOneLineOfATerminal) {
  EXPECT_EQ(log::printable("a\x1b[31mb\nc"), "a [31mb c");
  EXPECT_EQ(log::printable("abcdef", 3), "abc…");
  EXPECT_EQ(log::printable("\xff"), "\xef\xbf\xbd");
}

TEST_F(ConfigTest, ships_to_postgresql_only_when_a_database_is_named) {
  EXPECT_FALSE(Config::parse("", "t", {}).store.ships());
  const Config named = Config::parse("[store]\npostgresql = dbname=x host=h\n", "t", {});
  EXPECT_EQ(named.store.postgresql, "dbname=x host=h");
  EXPECT_TRUE(named.store.ships());
  g_setenv("MONITORING_DB", "monitoring_v2", TRUE);
  const Config from_environment = Config::parse("", "t", {});
  EXPECT_EQ(from_environment.store.database, "monitoring_v2");
  EXPECT_TRUE(from_environment.store.ships());
  g_setenv("MONITORING_DB", "host=elsewhere", TRUE);
  EXPECT_THAT(error_of(""), HasSubstr("MONITORING_DB"));
}

TEST_F(ConfigTest, rows_stay_in_postgresql_as_long_as_here_unless_it_is_told) {
  EXPECT_EQ(Config::parse("", "t", {}).postgresql_retention_hours(), 72);
  g_setenv("MONITORING_RETENTION_HOURS", "24", TRUE);
  EXPECT_EQ(Config::parse("", "t", {}).postgresql_retention_hours(), 24);
  const char* file = "[store]\npostgresql-retention-hours = ";
  EXPECT_EQ(Config::parse(file, "t", {}).postgresql_retention_hours(), 24);
  const Config for_ever = Config::parse(file + std::string("0\n"), "t", {});
  EXPECT_EQ(for_ever.postgresql_retention_hours(), 0);
  EXPECT_EQ(for_ever.monitoring.retention_hours, 24);
}

TEST_F(ConfigTest, a_bad_key_or_value_of_the_store_is_named_with_the_cure) {
  for (const char* bad : {"-1", "3 days", "72h", "1.5", "87601"})
    EXPECT_THAT(error_of(std::string("[store]\npostgresql-retention-hours = ") + bad + "\n"),
                testing::AllOf(HasSubstr("test.conf:2"), HasSubstr("postgresql-retention-hours"),
                               HasSubstr(bad), HasSubstr("whole hours from 0")));
  EXPECT_THAT(error_of("[store]\nretention-hours = 3\n"),
              testing::AllOf(HasSubstr("test.conf:2"), HasSubstr("retention-hours"),
                             HasSubstr("postgresql, postgresql-retention-hours")));
  for (const char* bad : {"monitoring v2", "a;b", "dbname=x"}) {
    g_setenv("MONITORING_DB", bad, TRUE);
    EXPECT_THAT(error_of(""), testing::AllOf(HasSubstr("MONITORING_DB"), HasSubstr(bad),
                                             HasSubstr("letters, digits")));
  }
}

TEST_F(ConfigTest, refuses_a_password_for_postgresql_without_repeating_it) {
  for (const char* value : {"dbname=x password=geheim", "postgresql://me:geheim@host/x",
                            "postgres://host/x?PASSWORD=geheim"}) {
    const std::string error = error_of(std::string("[store]\npostgresql = ") + value + "\n");
    EXPECT_THAT(error, HasSubstr("test.conf:2"));
    EXPECT_THAT(error, HasSubstr("PGPASSWORD"));
    EXPECT_THAT(error, testing::Not(HasSubstr("geheim")));
  }
}

}  // namespace
}  // namespace dragoman
