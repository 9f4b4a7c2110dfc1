#include "shared/net/activation.hpp"

#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace pinhole::net {
namespace {

Environment environment_of(std::map<std::string, std::string, std::less<>> values) {
    return [values](std::string_view name) -> std::optional<std::string> {
        const auto found = values.find(name);
        if (found == values.end()) return std::nullopt;
        return found->second;
    };
}

Environment passed_to_us(const std::string& count) {
    return environment_of({{"LISTEN_PID", fmt::format("{}", ::getpid())}, {"LISTEN_FDS", count}});
}

/// In a child process, because the protocol names descriptor 3.
void put_at_descriptor_3(int type, bool listens) {
    const int fd = ::socket(AF_INET, type, 0);
    if (listens) ::listen(fd, 1);
    if (fd != 3) {
        ::dup2(fd, 3);
        ::close(fd);
    }
}

TEST(Activation, TakesListeningTcpSockets) {
    const auto child = [] {
        put_at_descriptor_3(SOCK_STREAM, true);
        const auto taken = take_activated_sockets(passed_to_us("1"));
        ::_exit(taken.size() == 1 && taken[0].get() == 3 ? 0 : 1);
    };
    EXPECT_EXIT(child(), ::testing::ExitedWithCode(0), "");
}

TEST(Activation, RefusesWhatIsNoListeningTcpSocket) {
    const auto child = [](int type, bool listens) {
        put_at_descriptor_3(type, listens);
        try {
            static_cast<void>(take_activated_sockets(passed_to_us("1")));
        } catch (const std::runtime_error& error) {
            fmt::print(stderr, "{}", error.what());
            ::_exit(7);
        }
        ::_exit(0);
    };
    EXPECT_EXIT(child(SOCK_DGRAM, false), ::testing::ExitedWithCode(7), "ListenStream=443");
    EXPECT_EXIT(child(SOCK_STREAM, false), ::testing::ExitedWithCode(7), "descriptor 3");
}

TEST(Activation, LeavesAloneWhatIsNotForUs) {
    EXPECT_TRUE(take_activated_sockets(environment_of({})).empty());
    EXPECT_TRUE(take_activated_sockets(passed_to_us("0")).empty());
    EXPECT_TRUE(take_activated_sockets(passed_to_us("-1")).empty());
    EXPECT_TRUE(take_activated_sockets(passed_to_us("1x")).empty());
    EXPECT_TRUE(take_activated_sockets(passed_to_us("1000000")).empty());
    EXPECT_TRUE(
        take_activated_sockets(environment_of({{"LISTEN_PID", "1"}, {"LISTEN_FDS", "1"}})).empty());
}

}  // namespace
}  // namespace pinhole::net
