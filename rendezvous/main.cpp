// `rendezvous`: where peers behind NATs find each other. See `--help`.
#include <cstdio>
#include <exception>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "rendezvous/service.hpp"
#include "shared/net/state_dir.hpp"

namespace pinhole::rendezvous {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

void log_to_stderr(const std::string& level) {
    auto logger = spdlog::stderr_logger_st("rendezvous");
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
    spdlog::set_default_logger(std::move(logger));
    spdlog::set_level(spdlog::level::from_str(level));
    spdlog::flush_on(spdlog::level::info);
}

int serve(const Options& options, const std::filesystem::path& state) {
    log_to_stderr(options.log_level);
    try {
        Service service(options, state);
        fmt::print("{}", service.greeting());
        std::fflush(stdout);
        service.run();
    } catch (const net::IdentityInUse&) {
        throw std::runtime_error(fmt::format(
            "another rendezvous runs with the state directory {}; stop it, or start this one with "
            "another: rendezvous --state-dir DIR",
            state.string()));
    }
    return 0;
}

int release(const Options& options, const std::filesystem::path& state) {
    SqliteStore store(ids_path(state));
    const auto all = store.all();
    const bool is_owned = std::ranges::find(all, options.released, &StoredBinding::id) != all.end();
    if (!is_owned) {
        throw std::runtime_error(fmt::format(
            "nobody owns the id {} here; ids are kept in {}. Is it another directory? Then add: "
            "--state-dir DIR",
            options.released, ids_path(state).string()));
    }
    store.add(Unclaim{options.released});
    if (const auto committed = store.commit(); !committed.failure.empty()) {
        throw std::runtime_error(committed.failure);
    }
    fmt::print("{} belongs to nobody now\n", options.released);
    return 0;
}

int run(const Options& options) {
    if (options.action == Action::kHelp) {
        fmt::print("{}", help_text());
        return 0;
    }
    if (options.action == Action::kVersion) {
        fmt::print("rendezvous {}\n", PINHOLE_VERSION);
        return 0;
    }
    const auto state =
        net::server_state_directory(options.state_directory, net::process_environment());
    net::make_private_directory(state);
    return options.action == Action::kRelease ? release(options, state) : serve(options, state);
}

}  // namespace
}  // namespace pinhole::rendezvous

int main(int argc, char** argv) {
    using namespace pinhole;
    try {
        const auto options = rendezvous::parse_options(argc, argv);
        if (!options) {
            fmt::print(stderr, "{}\n{}\n", options.error().what, options.error().hint);
            return rendezvous::kExitUsage;
        }
        crypto::initialize();
        return rendezvous::run(*options);
    } catch (const std::exception& error) {
        fmt::print(stderr, "rendezvous: {}\n", rendezvous::without_controls(error.what()));
        return rendezvous::kExitFailed;
    }
}
