#include "rendezvous/clients.hpp"

namespace pinhole::rendezvous {

Client* Clients::find(ClientId name) {
    const auto found = clients_.find(name);
    return found == clients_.end() ? nullptr : &found->second;
}

Client& Clients::add(session::ServerSession session, const Path& path, Instant now) {
    assert(!is_full());
    const ClientId name{++last_name_};
    for (const SessionIndex index : session.all_indices()) indices_.assign(index, name);
    const auto [entry, is_new] = clients_.try_emplace(name, Client{.name = name,
                                                                   .session = std::move(session),
                                                                   .path = path,
                                                                   .incarnation = {},
                                                                   .proven_at = now,
                                                                   .last_heard = now});
    assert(is_new);
    return entry->second;
}

void Clients::move_session(Client& from, Client& to) {
    for (const SessionIndex index : to.session.all_indices()) indices_.release(index);
    for (const SessionIndex index : from.session.all_indices()) indices_.assign(index, to.name);
    to.session = std::move(from.session);
    to.path = from.path;
    to.proven_at = from.proven_at;
    to.last_heard = from.last_heard;
    if (from.rtt > Duration{0}) to.rtt = from.rtt;
    to.roam.reset();
    clients_.erase(from.name);
}

void Clients::remove(Client& client) {
    for (const SessionIndex index : client.session.all_indices()) indices_.release(index);
    clients_.erase(client.name);
}

void Clients::release_retired(Client& client) {
    while (const auto index = client.session.take_retired_index()) indices_.release(*index);
}

Client* Clients::take_due(Instant now) {
    while (const auto due = deadlines_.take(now)) {
        Client* client = find(due->name);
        if (client == nullptr || client->alarm.at != due->at) continue;
        client->alarm = {};
        return client;
    }
    return nullptr;
}

std::vector<ClientId> Clients::names() const {
    std::vector<ClientId> out;
    out.reserve(clients_.size());
    for (const auto& [name, client] : clients_) out.push_back(name);
    // The order of a hash table is no one's business: traces stay the same everywhere.
    std::ranges::sort(out);
    return out;
}

}  // namespace pinhole::rendezvous
