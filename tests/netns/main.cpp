// Runs the tests in a network of their own: unless it is there already, the program starts itself
// again through `scripts/netns_lab enter`. Where that cannot be done the tests are skipped, with
// the script's reason.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/netns/process.hpp"

namespace {

constexpr const char* kScript = PINHOLE_SOURCE_DIR "/scripts/netns_lab";
// The script's way to say that this machine does not allow it; all else is a defect.
constexpr int kRefused = 77;

bool is_inside() {
    const char* lab = std::getenv("PINHOLE_LAB");
    return lab != nullptr && std::string_view{lab} == "inside";
}

// Returns only if there is no network to be had, with the reason; throws if the script is broken.
std::string enter(std::vector<std::string> arguments) {
    pinhole::netns::Process probe{{"probe", {kScript, "probe"}, {}}};
    const auto status = probe.wait_for_exit(pinhole::netns::Milliseconds{30'000});
    if (status == kRefused) return probe.log();
    if (status != 0) throw std::runtime_error(probe.log());
    arguments[0] = std::filesystem::read_symlink("/proc/self/exe");
    arguments.insert(arguments.begin(), {kScript, "enter"});
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    execv(kScript, pointers.data());
    throw std::runtime_error("scripts/netns_lab cannot be run");
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv, argv + argc);
    ::testing::InitGoogleTest(&argc, argv);
    // A program under test may end while it is being written to.
    signal(SIGPIPE, SIG_IGN);
    if (!is_inside() && !GTEST_FLAG_GET(list_tests)) {
        setenv("PINHOLE_LAB_REFUSED", enter(arguments).c_str(), 1);
    }
    return RUN_ALL_TESTS();
}
