// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/simulate/simulated_call.h"

#include <algorithm>

#include "launcher/store/journal.h"

namespace dragoman {
namespace {

using namespace std::chrono_literals;

// Seconds.
constexpr double kLauncherPatience = 30, kMediaPatience = 60, kTranslationPatience = 30,
                 kHangUpPatience = 15;
constexpr guint kPollMs = 200;
constexpr auto kPauseBeforeSpeech = 500ms;
constexpr auto kQuietJournal = 2500ms, kQuietPhone = 1500ms, kAfterSpeech = 4000ms;
constexpr double kSampleRate = 16000;

/// A range of UDP ports below those that the kernel gives out, elsewhere for each process.
constexpr int kFirstPort = 20000, kPortsPerCall = 20, kPortRanges = 600;

gboolean keep_going(gpointer) { return G_SOURCE_CONTINUE; }

std::string make_password() {
  g_autofree char* password = g_uuid_string_random();
  return password;
}

AriServerOptions server_options(const Config& config) {
  return {
      .application = config.ari.application, .user = config.ari.user, .password = make_password()};
}

}  // namespace

SimulatedCall::SimulatedCall(SimulatedCallOptions options, const Config& config,
                             SimulateOutput& output)
    : options_(std::move(options)), output_(output), watch_(journal_path(options_.folder), output) {
  const AriServerOptions ari = server_options(config);
  server_ = std::make_unique<AriServer>(ari, &exchange_);
  const int first_port =
      kFirstPort + static_cast<int>(g_random_int_range(0, kPortRanges)) * kPortsPerCall;
  std::vector<std::string> arguments = {
      options_.program,  "serve",
      "--ari-url",       server_->url(),
      "--data",          options_.folder,
      "--audio",         options_.folder + "/audio",
      "--media-address", "127.0.0.1",
      "--first-port",    std::to_string(first_port),
      "--last-port",     std::to_string(first_port + kPortsPerCall - 1)};
  if (!options_.config_file.empty()) {
    arguments.insert(arguments.end(), {"--config", options_.config_file});
  }
  launcher_ = std::make_unique<LauncherProcess>(
      arguments, std::map<std::string, std::string>{{"DRAGOMAN_ARI_PASSWORD", ari.password}},
      options_.folder + "/serve.log");
}

SimulatedCall::~SimulatedCall() = default;

std::optional<std::string> SimulatedCall::run() {
  std::optional<std::string> failure;
  try {
    start_launcher();
    place_calls();
    speak();
    wait_for_translations();
  } catch (const Failure& error) {
    failure = error.message;
  }
  try {
    hang_up();
  } catch (const Failure& error) {
    if (!failure) failure = error.message;
  }
  launcher_->stop();
  watch_.poll();
  if (failure) return failure;
  try {
    check_heard();
  } catch (const Failure& error) {
    return error.message;
  }
  return {};
}

template <typename Done>
void SimulatedCall::run_until(Done done, double seconds, const std::string& otherwise) {
  const gint64 end = g_get_monotonic_time() + static_cast<gint64>(seconds * G_USEC_PER_SEC);
  std::unique_ptr<GSource, decltype([](GSource* source) {
                    g_source_destroy(source);
                    g_source_unref(source);
                  })>
      tick(g_timeout_source_new(kPollMs));
  g_source_set_callback(tick.get(), keep_going, nullptr, nullptr);
  g_source_attach(tick.get(), nullptr);
  gint64 next_poll = 0;
  for (;;) {
    if (g_get_monotonic_time() >= next_poll) {
      watch_.poll();
      next_poll = g_get_monotonic_time() + kPollMs * 1000;
    }
    if (done()) return;
    if (interrupted_) throw Failure{"interrupted"};
    if (!launcher_->is_running()) {
      throw Failure{"the launcher ended:\n" + launcher_->last_words()};
    }
    if (g_get_monotonic_time() > end) throw Failure{otherwise};
    g_main_context_iteration(nullptr, TRUE);
  }
}

void SimulatedCall::start_launcher() {
  output_.progress("starting a launcher");
  run_until([this] { return server_->clients() > 0; }, kLauncherPatience,
            "the launcher did not connect:\n" + launcher_->last_words());
}

void SimulatedCall::place_calls() {
  output_.progress(options_.extension + " and " + options_.partner + " call");
  caller_channel_ = server_->place_call(options_.extension, "1001");
  partner_channel_ = server_->place_call(options_.partner, "1002");
  const auto is_up = [this] {
    for (const std::string& channel : {caller_channel_, partner_channel_}) {
      if (!server_->channel(channel))
        throw Failure{"the launcher refused the call:\n" + launcher_->last_words()};
      if (!exchange_.phone(channel)) return false;
    }
    return true;
  };
  run_until(is_up, kMediaPatience,
            "no audio flows " + std::to_string(static_cast<int>(kMediaPatience)) +
                " s after the call:\n" + launcher_->last_words());
}

void SimulatedCall::speak() {
  const std::vector<int16_t> pause(
      static_cast<size_t>(kSampleRate * std::chrono::duration<double>(kPauseBeforeSpeech).count()));
  RtpPhone* caller = exchange_.phone(caller_channel_);
  RtpPhone* partner = exchange_.phone(partner_channel_);
  const size_t longest = std::max(options_.speech.size(), options_.partner_speech.size());
  const double seconds = static_cast<double>(longest) / kSampleRate;
  output_.progress("speaking for " + std::to_string(static_cast<int>(seconds + 0.5)) + " s");
  for (RtpPhone* phone : {caller, partner}) phone->play(pause);
  caller->play(options_.speech);
  partner->play(options_.partner_speech);
  const auto is_said = [this, caller, partner] {
    if (!server_->channel(caller_channel_) || !server_->channel(partner_channel_)) {
      throw Failure{"the launcher hung up in mid-call:\n" + launcher_->last_words()};
    }
    return caller->is_silent() && partner->is_silent();
  };
  run_until(is_said, seconds + 10, "the speech could not be sent in time");
}

void SimulatedCall::wait_for_translations() {
  const auto end = std::chrono::steady_clock::now();
  const auto is_over = [this, end] {
    return std::chrono::steady_clock::now() - end >= kAfterSpeech && is_all_heard();
  };
  const std::string otherwise = "not all of what was said was heard in translation within " +
                                std::to_string(static_cast<int>(kTranslationPatience)) +
                                " s after the speech";
  run_until(is_over, kTranslationPatience, otherwise);
}

bool SimulatedCall::is_all_heard() const {
  const bool partner_spoke = !options_.partner_speech.empty();
  return watch_.unheard(options_.extension) == 0 &&
         (!partner_spoke || watch_.unheard(options_.partner) == 0) &&
         watch_.quiet() >= kQuietJournal &&
         exchange_.phone(partner_channel_)->heard_silence() >= kQuietPhone &&
         exchange_.phone(caller_channel_)->heard_silence() >= kQuietPhone;
}

void SimulatedCall::hang_up() {
  for (const std::string& channel : {caller_channel_, partner_channel_}) {
    server_->hang_up(channel);
  }
  if (!launcher_->is_running() || interrupted_ || caller_channel_.empty()) return;
  run_until([this] { return server_->channels().empty() && server_->bridges().empty(); },
            kHangUpPatience, "the launcher left channels or bridges behind after the hang-up");
}

void SimulatedCall::check_heard() {
  if (watch_.report().utterances.empty()) {
    throw Failure{"no speech was recognized: is there speech in the file, in the language that " +
                  options_.extension + " has in the configuration?"};
  }
  if (watch_.heard(options_.extension) == 0 ||
      !exchange_.phone(partner_channel_)->has_heard_sound()) {
    throw Failure{"nothing of what " + options_.extension + " said was heard in translation by " +
                  options_.partner + ":\n" + launcher_->last_words()};
  }
}

HeardAudio SimulatedCall::heard_by(const std::string& channel) const {
  const RtpPhone* phone = exchange_.phone(channel);
  return phone ? phone->heard() : HeardAudio{};
}

}  // namespace dragoman
