// What the programs make of `--tcp` and `--tcp-port`.
#include <csignal>

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/cli/programs.hpp"

namespace pinhole::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class TcpOptions : public ProgramsTest {
  protected:
    Process& run_rendezvous(const std::vector<std::string>& words) {
        std::vector<std::string> argv{program("PINHOLE_RENDEZVOUS"), "--bind", via(), "--state-dir",
                                      folder("state")};
        argv.insert(argv.end(), words.begin(), words.end());
        return start_program("rendezvous", std::move(argv));
    }
};

TEST_F(TcpOptions, ItSaysWhereItListensAndWhatTheFirewallNeeds) {
    Process& rendezvous = run_rendezvous({"--tcp"});
    EXPECT_TRUE(says(rendezvous, Stream::kOut, "listening on tcp " + via()));
    const std::string port = via().substr(via().rfind(':') + 1);
    EXPECT_TRUE(says(rendezvous, Stream::kOut, "sudo ufw allow " + port + "/tcp"));
    rendezvous.send_signal(SIGTERM);
    EXPECT_EQ(status_of(rendezvous), 0);
}

TEST_F(TcpOptions, AnAddressThatIsNoneIs2InTwoLines) {
    Process& rendezvous = run_rendezvous({"--tcp=example.org"});
    EXPECT_EQ(status_of(rendezvous), 2);
    const auto said = lines_of(rendezvous, Stream::kErr);
    ASSERT_THAT(said, SizeIs(2));
    EXPECT_THAT(said[0], HasSubstr("--tcp example.org"));
}

TEST_F(TcpOptions, ATakenPortIs1AndSaysWhoHasIt) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(fd, 1), 0);
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    const std::string port = std::to_string(ntohs(address.sin_port));
    Process& rendezvous = run_rendezvous({"--tcp", "127.0.0.1:" + port});
    EXPECT_EQ(status_of(rendezvous), 1);
    EXPECT_TRUE(says(rendezvous, Stream::kErr, "cannot listen on tcp 127.0.0.1:" + port));
    EXPECT_TRUE(says(rendezvous, Stream::kErr, "ss -ltnp"));
    ::close(fd);
}

TEST_F(TcpOptions, APortThatIsNoneIs2) {
    for (const char* port : {"0", "65536", "https", ""}) {
        Process& peer = run_peer("bob", {"--id", "bob", "--via", via(), "--tcp-port", port});
        EXPECT_EQ(status_of(peer), 2) << port;
        EXPECT_TRUE(says(peer, Stream::kErr, "--tcp-port is a whole number from 1 to 65535"));
    }
}

}  // namespace
}  // namespace pinhole::cli
