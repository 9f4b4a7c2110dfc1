#include "shared/net/resolver.hpp"

#include <optional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>

namespace pinhole::net {
namespace {

using ::testing::HasSubstr;

struct Literal {
    const char* text;
    const char* endpoint;
};

class ResolverLiteral : public ::testing::TestWithParam<Literal> {};

Resolved resolve(std::string_view text) {
    asio::io_context io;
    Resolver resolver{io};
    std::optional<Resolved> out;
    resolver.resolve(text, 3478, [&](const Resolved& resolved) { out = resolved; });
    EXPECT_FALSE(out) << "answered from inside the call";
    io.run();
    return out.value();
}

TEST_P(ResolverLiteral, NeedsNoDns) {
    const Resolved resolved = resolve(GetParam().text);
    ASSERT_TRUE(resolved) << resolved.error().sentence;
    EXPECT_THAT(*resolved, ::testing::ElementsAre(*Endpoint::parse(GetParam().endpoint)));
}

INSTANTIATE_TEST_SUITE_P(Forms, ResolverLiteral,
                         ::testing::Values(Literal{"192.0.2.1", "192.0.2.1:3478"},
                                           Literal{"192.0.2.1:80", "192.0.2.1:80"},
                                           Literal{"2001:db8::1", "[2001:db8::1]:3478"},
                                           Literal{"[2001:db8::1]", "[2001:db8::1]:3478"},
                                           Literal{"[2001:db8::1]:65535", "[2001:db8::1]:65535"},
                                           Literal{"[::ffff:192.0.2.1]:80", "192.0.2.1:80"},
                                           Literal{"127.0.0.1:1", "127.0.0.1:1"}));

class ResolverRefusal : public ::testing::TestWithParam<const char*> {};

TEST_P(ResolverRefusal, NamesTheTextAndTheForms) {
    const Resolved resolved = resolve(GetParam());
    ASSERT_FALSE(resolved);
    EXPECT_THAT(resolved.error().sentence, HasSubstr(std::string{"\""} + GetParam() + "\""));
    EXPECT_THAT(resolved.error().sentence, HasSubstr("host:port"));
}

INSTANTIATE_TEST_SUITE_P(Forms, ResolverRefusal,
                         ::testing::Values("", ":80", "host:", "host:0", "host:65536", "host:x",
                                           "host:80:90", "http://host", "a b", "[2001:db8::1",
                                           "[2001:db8::1]80", "[192.0.2.1]:80", "[host]:80",
                                           "1.2.3", "1.2.3:80", "0x7f.1", "host.256", "1.2.3.256",
                                           "010.0.0.1"));

TEST(Resolver, RefusesAHostNameThatDnsCannotCarry) {
    EXPECT_FALSE(HostPort::parse(std::string(254, 'a'), 1));
    EXPECT_TRUE(HostPort::parse(std::string(253, 'a'), 1));
}

TEST(Resolver, RefusesAddressesThatCannotBeSentTo) {
    for (const char* text : {"0.0.0.0", "224.0.0.1:5", "255.255.255.255", "[ff02::1]:5", "::"}) {
        const Resolved resolved = resolve(text);
        ASSERT_FALSE(resolved) << text;
        EXPECT_THAT(resolved.error().sentence, HasSubstr("can be sent to")) << text;
    }
}

TEST(Resolver, KeepsTheNameAndThePortOfAHost) {
    const auto parsed = HostPort::parse("rendezvous.example:4000", 3478);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->host, "rendezvous.example");
    EXPECT_EQ(parsed->port, 4000);
    EXPECT_EQ(HostPort::parse("rendezvous.example", 3478)->port, 3478);
}

/// A bare chroot has neither /etc/hosts nor a resolver that knows the name by itself.
bool knows_localhost() {
    addrinfo* found = nullptr;
    if (getaddrinfo("localhost", nullptr, nullptr, &found) != 0) return false;
    freeaddrinfo(found);
    return true;
}

TEST(Resolver, FindsLocalhostThroughTheSystem) {
    if (!knows_localhost()) GTEST_SKIP() << "this system does not resolve localhost";
    const Resolved resolved = resolve("localhost:9");
    ASSERT_TRUE(resolved) << resolved.error().sentence;
    for (const Endpoint& endpoint : *resolved) {
        EXPECT_EQ(endpoint.ip.scope(), Scope::kLoopback);
        EXPECT_EQ(endpoint.port, 9);
    }
    EXPECT_EQ(std::set<Endpoint>(resolved->begin(), resolved->end()).size(), resolved->size());
}

TEST(Resolver, ExplainsANameThatDoesNotExist) {
    // RFC 6761 6.4: never resolves, with or without a name server in reach.
    const Resolved resolved = resolve("nobody.invalid");
    ASSERT_FALSE(resolved);
    EXPECT_THAT(resolved.error().sentence, HasSubstr("nobody.invalid"));
    EXPECT_THAT(resolved.error().sentence, HasSubstr("DNS"));
}

TEST(Resolver, SaysNothingAfterCancel) {
    asio::io_context io;
    Resolver resolver{io};
    const auto fail = [](const Resolved&) { FAIL() << "was cancelled"; };
    resolver.resolve("nobody.invalid", 1, fail);
    // Known at once: the answer waits in the loop already.
    resolver.resolve("192.0.2.1:80", 1, fail);
    resolver.resolve("host:", 1, fail);
    resolver.cancel();
    bool answered = false;
    resolver.resolve("192.0.2.1:80", 1, [&](const Resolved&) { answered = true; });
    io.run();
    EXPECT_TRUE(answered) << "a question after it is one of its own";
}

TEST(Resolver, SaysNothingAfterItsEnd) {
    asio::io_context io;
    std::optional<Resolver> resolver{std::in_place, io};
    resolver->resolve("nobody.invalid", 1, [](const Resolved&) { FAIL() << "nobody is there"; });
    resolver->resolve("192.0.2.1", 1, [](const Resolved&) { FAIL() << "nobody is there"; });
    resolver.reset();
    io.run();
}

}  // namespace
}  // namespace pinhole::net
