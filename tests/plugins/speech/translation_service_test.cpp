// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/translation_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "plugins/speech/providers/translate/service.h"
#include "plugins/speech/providers/translate/walk.h"

namespace dragoman {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr auto kLimit = 20s;

// A gate that calls wait at until it is opened.
class Gate {
 public:
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    return changed_.wait_for(lock, kLimit, [this] { return open_; });
  }
  bool somebody_waits() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLimit, [this] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

// Answers as the function says; counts.
struct Script {
  std::function<TranslateResult(const TranslateRequest&)> answer;
  std::function<void()> on_prepare = [] {};
  std::atomic<int> calls{0}, prepared{0}, interrupted{0};
};

class Scripted : public TranslateProvider {
 public:
  explicit Scripted(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  TranslateResult translate(const TranslateRequest& request) override {
    ++script_->calls;
    return script_->answer(request);
  }
  std::string prepare(const std::string&, const std::string&) override {
    ++script_->prepared;
    script_->on_prepare();
    return {};
  }
  void interrupt() override { ++script_->interrupted; }

 private:
  std::shared_ptr<Script> script_;
};

std::shared_ptr<Script> scripted(std::function<TranslateResult(const TranslateRequest&)> answer) {
  auto script = std::make_shared<Script>();
  script->answer = std::move(answer);
  return script;
}

// "[es] text"
TranslateResult tagged(const TranslateRequest& request) {
  return TranslateResult::translated("[" + request.to + "] " + request.text);
}

TranslateProviderEntry entry(const std::string& name, std::shared_ptr<Script> script) {
  return {name, [script](std::string_view option) -> std::unique_ptr<TranslateProvider> {
            if (!option.empty()) return nullptr;
            return std::make_unique<Scripted>(script);
          }};
}

// What came back, in order.
class Results {
 public:
  TranslationService::Done done() {
    return [this](const Translation& translation, const std::vector<ProviderFailure>& failures) {
      std::lock_guard lock(mutex_);
      translations_.push_back(translation);
      failures_.insert(failures_.end(), failures.begin(), failures.end());
      changed_.notify_all();
    };
  }
  std::vector<Translation> wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kLimit, [&] { return translations_.size() >= count; });
    return translations_;
  }
  std::vector<ProviderFailure> failures() {
    std::lock_guard lock(mutex_);
    return failures_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Translation> translations_;
  std::vector<ProviderFailure> failures_;
};

std::shared_ptr<const Clause> clause(const std::string& text, const std::string& channel = "a",
                                     uint64_t utterance = 1, const std::string& language = "en") {
  return std::make_shared<Clause>(
      Clause{.channel = channel, .utterance = utterance, .text = text, .language = language});
}

std::vector<std::string> texts(const std::vector<Translation>& translations) {
  std::vector<std::string> out;
  for (const auto& translation : translations) out.push_back(translation.text);
  return out;
}

TEST(TranslationService, gives_the_translation_with_its_provider_and_times) {
  auto service = make_translation_service({entry("one", scripted(tagged))});
  Results results;
  auto source = clause("hello");
  service->translate(source, "es", {"one"}, "", results.done());
  auto got = results.wait_for(1);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].source, source);
  EXPECT_EQ(got[0].text, "[es] hello");
  EXPECT_EQ(got[0].language, "es");
  EXPECT_EQ(got[0].provider, "one");
  EXPECT_GT(got[0].translated_utc, 1'600'000'000'000'000'000u);
  EXPECT_GE(got[0].translation_ms, 0);
  EXPECT_LT(got[0].translation_ms, 5000);
  EXPECT_THAT(results.failures(), IsEmpty());
}

TEST(TranslationService, leaves_the_listeners_own_language_alone) {
  auto script = scripted(tagged);
  auto service = make_translation_service({entry("one", script)});
  Results results;
  service->translate(clause("hello"), "en-GB", {"one"}, "", results.done());
  auto got = results.wait_for(1);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].text, "hello");
  EXPECT_EQ(got[0].provider, "none");
  EXPECT_THAT(results.failures(), IsEmpty());
  EXPECT_EQ(script->calls, 0);
}

TEST(TranslationService, keeps_the_order_of_a_channel_and_language) {
  auto service = make_translation_service({entry("one", scripted(tagged))});
  Results results;
  std::vector<std::string> wanted;
  for (int i = 0; i < 60; ++i) {
    service->translate(clause(std::to_string(i), "a", static_cast<uint64_t>(i)), "es", {"one"}, "",
                       results.done());
    wanted.push_back("[es] " + std::to_string(i));
  }
  EXPECT_EQ(texts(results.wait_for(60)), wanted);
}

TEST(TranslationService, translates_a_clause_once_per_language) {
  auto script = scripted(tagged);
  auto service = make_translation_service({entry("one", script)});
  Results results;
  for (int i = 0; i < 5; ++i) service->translate(clause("x"), "es", {"one"}, "", results.done());
  auto got = results.wait_for(5);
  EXPECT_EQ(script->calls, 1);
  for (const auto& translation : got) EXPECT_EQ(translation.text, "[es] x");
  service->translate(clause("x"), "fr", {"one"}, "", results.done());
  service->translate(clause("x", "a", 2), "es", {"one"}, "", results.done());
  EXPECT_THAT(results.wait_for(7), SizeIs(7));
  EXPECT_EQ(script->calls, 3);
}

TEST(TranslationService, forgets_the_oldest_results) {
  auto script = scripted(tagged);
  auto service = make_translation_service({entry("one", script)}, {.remembered = 2});
  Results results;
  for (uint64_t utterance : {1, 2, 3, 3, 2, 1})
    service->translate(clause("x", "a", utterance), "es", {"one"}, "", results.done());
  EXPECT_THAT(results.wait_for(6), SizeIs(6));
  EXPECT_EQ(script->calls, 4);
}

TEST(TranslationService, one_failure_is_mended_by_asking_again) {
  auto script = std::make_shared<Script>();
  script->answer = [script = script.get()](const TranslateRequest& request) {
    return script->calls == 1 ? TranslateResult::failed("broke") : tagged(request);
  };
  auto service = make_translation_service({entry("one", script)});
  Results results;
  service->translate(clause("x"), "es", {"one"}, "", results.done());
  EXPECT_THAT(texts(results.wait_for(1)), ElementsAre("[es] x"));
  ASSERT_THAT(results.failures(), SizeIs(1));
  EXPECT_EQ(results.failures()[0].provider, "one");
  EXPECT_EQ(results.failures()[0].error, "broke");
  EXPECT_EQ(results.failures()[0].next, "one");
}

TEST(TranslationService, after_two_failures_the_next_provider_takes_over) {
  auto broken = scripted([](const auto&) { return TranslateResult::failed("broke"); });
  auto service = make_translation_service({entry("one", broken), entry("two", scripted(tagged))});
  Results results;
  service->translate(clause("x"), "es", {"one", "two"}, "", results.done());
  auto got = results.wait_for(1);
  EXPECT_THAT(texts(got), ElementsAre("[es] x"));
  EXPECT_EQ(got[0].provider, "two");
  EXPECT_EQ(broken->calls, 2);
  ASSERT_THAT(results.failures(), SizeIs(1));
  EXPECT_EQ(results.failures()[0].next, "two");
}

TEST(TranslationService, what_cannot_be_mended_is_not_asked_again) {
  auto missing = scripted([](const auto&) { return TranslateResult::failed_for_good("missing"); });
  auto service = make_translation_service({entry("one", missing)});
  Results results;
  service->translate(clause("x"), "es", {"one"}, "", results.done());
  results.wait_for(1);
  EXPECT_EQ(missing->calls, 1);
}

TEST(TranslationService, text_that_nobody_translates_is_not_lost) {
  auto broken = scripted([](const auto&) { return TranslateResult::failed("broke"); });
  auto silent = scripted([](const auto&) { return TranslateResult{}; });
  auto service = make_translation_service({entry("one", broken), entry("two", silent)});
  for (std::vector<std::string> list :
       std::vector<std::vector<std::string>>{{"one"}, {"two"}, {"one", "two"}, {}}) {
    Results results;
    service->translate(clause("The text."), "es", list, "", results.done());
    auto got = results.wait_for(1);
    ASSERT_THAT(got, SizeIs(1));
    EXPECT_EQ(got[0].text, "The text.");
    EXPECT_EQ(got[0].provider, "none");
    ASSERT_FALSE(results.failures().empty());
    EXPECT_EQ(results.failures().back().next, "");
  }
}

TEST(TranslationService, minds_neither_layout_nor_text_that_is_no_utf8) {
  auto service = make_translation_service({entry("one", scripted(tagged))});
  Results results;
  service->translate(clause(" One.  Two.\n\xff "), "es", {"one"}, "", results.done());
  EXPECT_THAT(texts(results.wait_for(1)), ElementsAre("[es] One. Two. \uFFFD"));
}

TEST(TranslationService, names_unknown_providers_and_options) {
  auto service = make_translation_service({entry("one", scripted(tagged))});
  Results results;
  service->translate(clause("x"), "es", {"deepl", "one:7", "one"}, "", results.done());
  EXPECT_THAT(texts(results.wait_for(1)), ElementsAre("[es] x"));
  ASSERT_THAT(results.failures(), SizeIs(2));
  EXPECT_THAT(results.failures()[0].error, HasSubstr("choose from one"));
  EXPECT_EQ(results.failures()[0].next, "one");
  EXPECT_THAT(results.failures()[1].error, HasSubstr("option \"7\""));
}

TEST(TranslationService, joins_the_pieces_of_several_providers) {
  auto partial = scripted([](const auto&) {
    return TranslateResult{
        .status = TranslateResult::Status::partly,
        .pieces = {{"One.", "Uno.", " "}, {"Two.", std::nullopt, " "}, {"Three.", "Tres.", ""}}};
  });
  auto service = make_translation_service({entry("one", partial), entry("two", scripted(tagged))});
  Results results;
  service->translate(clause("One. Two. Three."), "es", {"one", "two"}, "", results.done());
  auto got = results.wait_for(1);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].text, "Uno. [es] Two. Tres.");
  EXPECT_EQ(got[0].provider, "one+two");
  service->translate(clause("One. Two. Three."), "es", {"one"}, "", results.done());
  got = results.wait_for(2);
  EXPECT_EQ(got[1].text, "Uno. Two. Tres.");
  EXPECT_EQ(got[1].provider, "one+none");
  EXPECT_THAT(results.failures(), SizeIs(1));
}

TEST(TranslationService, hung_provider_delays_no_other_pair_and_no_other_channel) {
  Gate gate;
  auto hanging = scripted([&](const TranslateRequest& request) {
    if (request.text == "hang") gate.wait();
    return tagged(request);
  });
  auto service = make_translation_service({entry("one", hanging)});
  Results hung, others;
  service->translate(clause("hang", "a"), "es", {"one"}, "", hung.done());
  service->translate(clause("after", "a", 2), "es", {"one"}, "", hung.done());
  ASSERT_TRUE(gate.somebody_waits());
  service->translate(clause("x", "b"), "es", {"one"}, "", others.done());
  service->translate(clause("y", "a"), "fr", {"one"}, "", others.done());
  service->translate(clause("z", "c", 1, "es"), "en", {"one"}, "", others.done());
  EXPECT_THAT(others.wait_for(3), SizeIs(3));
  EXPECT_THAT(hung.wait_for(0), IsEmpty());
  gate.open();
  EXPECT_THAT(texts(hung.wait_for(2)), ElementsAre("[es] hang", "[es] after"));
}

TEST(TranslationService, does_not_let_clauses_pile_up) {
  Gate gate;
  auto hanging = scripted([&](const TranslateRequest& request) {
    gate.wait();
    return tagged(request);
  });
  auto service = make_translation_service({entry("one", hanging)}, {.waiting = 3});
  Results results;
  service->translate(clause("0", "a", 100), "es", {"one"}, "", results.done());
  ASSERT_TRUE(gate.somebody_waits());
  for (uint64_t i = 1; i <= 4; ++i)
    service->translate(clause(std::to_string(i), "a", i), "es", {"one"}, "", results.done());
  gate.open();
  EXPECT_THAT(texts(results.wait_for(5)), ElementsAre("[es] 0", "1", "2", "3", "[es] 4"));
  ASSERT_THAT(results.failures(), SizeIs(3));
  EXPECT_THAT(results.failures()[0].error, HasSubstr("more than 3 clauses waited"));
}

TEST(TranslationService, prepare_readies_every_provider_of_the_list) {
  Gate one_ready, two_ready;
  auto one = scripted(tagged), two = scripted(tagged), three = scripted(tagged);
  one->on_prepare = [&] { one_ready.open(); };
  two->on_prepare = [&] { two_ready.open(); };
  auto service =
      make_translation_service({entry("one", one), entry("two", two), entry("three", three)});
  service->prepare("en", "es", {"one", "two"}, "");
  EXPECT_TRUE(one_ready.wait());
  EXPECT_TRUE(two_ready.wait());
  EXPECT_EQ(three->prepared, 0);
  EXPECT_EQ(one->calls, 0);
}

TEST(TranslationService, interrupts_its_providers_when_it_ends) {
  Gate gate;
  auto script = scripted([&](const TranslateRequest& request) {
    gate.wait();
    return tagged(request);
  });
  auto service = make_translation_service({entry("one", script)});
  Results results;
  service->translate(clause("x"), "es", {"one"}, "", results.done());
  ASSERT_TRUE(gate.somebody_waits());
  std::thread opener([&] {
    while (script->interrupted == 0) std::this_thread::yield();
    gate.open();
  });
  service.reset();
  opener.join();
  EXPECT_EQ(script->interrupted, 1);
}

TEST(TranslationService, may_be_let_go_of_on_its_own_thread) {
  auto service = make_translation_service({entry("one", scripted(tagged))});
  auto* raw = service.get();
  Gate gone;
  raw->translate(clause("x"), "es", {"one"}, "",
                 [service = std::move(service), &gone](const Translation&, const auto&) mutable {
                   service.reset();
                   gone.open();
                 });
  EXPECT_TRUE(gone.wait());
}

TEST(TranslationService, shared_is_one_while_somebody_holds_it) {
  auto one = TranslationService::shared();
  EXPECT_EQ(one, TranslationService::shared());
}

class UserMemory : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/dragoman-user-XXXXXX";
    folder_ = mkdtemp(pattern);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }
  std::filesystem::path folder_;
};

TEST_F(UserMemory, comes_before_all_others) {
  auto path = write("own.tmx",
                    "<tmx version=\"1.4\"><header srclang=\"en\"/><body><tu><tuv xml:lang=\"en\">"
                    "<seg>Our product is Frobly.</seg></tuv><tuv xml:lang=\"es\"><seg>Nuestro "
                    "producto es Frobly.</seg></tuv></tu></body></tmx>");
  auto service = make_translation_service({entry("one", scripted(tagged))});
  Results results;
  service->translate(clause("Our product is Frobly. It is good."), "es", {"one"}, path,
                     results.done());
  auto got = results.wait_for(1);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].text, "Nuestro producto es Frobly. [es] It is good.");
  EXPECT_EQ(got[0].provider, "memory+one");
}

TEST_F(UserMemory, that_is_bad_is_named_once_a_channel_and_the_others_go_on) {
  auto path = write("own.tmx", "<tmx version=\"1.4\">\n<body>\n<tu>\n</body></tmx>");
  auto service = make_translation_service({entry("one", scripted(tagged))});
  Results results;
  for (uint64_t i = 1; i <= 3; ++i)
    service->translate(clause("x", "a", i), "es", {"one"}, path, results.done());
  EXPECT_THAT(texts(results.wait_for(3)), ElementsAre("[es] x", "[es] x", "[es] x"));
  ASSERT_THAT(results.failures(), SizeIs(1));
  EXPECT_EQ(results.failures()[0].provider, "memory");
  EXPECT_THAT(results.failures()[0].error, HasSubstr("own.tmx:4: "));
  EXPECT_EQ(results.failures()[0].next, "one");
}

TEST(TranslationService, real_providers_work_together) {
  auto service = TranslationService::shared();
  Results results;
  service->prepare("en", "es", {"memory", "apertium"}, "");
  service->translate(clause("Good morning. The blue house is big. Please hold."), "es",
                     {"memory", "apertium"}, "", results.done());
  auto got = results.wait_for(1);
  ASSERT_THAT(got, SizeIs(1));
  EXPECT_EQ(got[0].text, "Buenos días. La casa azul es grande. Espere en la línea, por favor.");
  EXPECT_EQ(got[0].provider, "memory+apertium");
  EXPECT_THAT(results.failures(), IsEmpty());
}

}  // namespace
}  // namespace dragoman
