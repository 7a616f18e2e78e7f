// Finds every tensor in a pickle's values, with its path, through dictionaries, lists, objects and modules that were saved whole.
#pragma once

#include "pickle_values.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Calls a visitor for the tensors and objects in the dictionaries of a pickle. The path of a value is like
/// "model/ema/stage0.cls_token": the keys (or list indices) that lead to its dictionary, joined by '/', then its own key. Inside
/// a module that was saved whole (an object with `_parameters`, `_buffers` and `_modules`) the keys are joined as state_dict()
/// joins them. Each container is visited once, breadth first, so cycles end. Nothing deeper than max_depth is visited.
class tensor_paths {
public:
    static constexpr std::size_t max_path = 1024, max_depth = 256;

    /// `bytes` is the length of all pickles of `values`.
    tensor_paths(const pickle_values& values, std::size_t bytes) noexcept : values_{values}, budget_{8 * bytes + (64U << 10)} {}

    /// Calls visit(std::string_view path, std::uint32_t value) -> error for each tensor and object in a dictionary. Errors: those of the
    /// visitor; unsupported (a path or all paths together are too long); out_of_memory.
    template <class Visit>
    error walk(std::uint32_t root, Visit&& visit) noexcept {
        if (!how_.resize(values_.size())) return no_memory();
        std::memset(how_.data(), 0, how_.size());
        if (error e = enter(root, 0, nothing, seen)) return e;
        for (std::uint32_t i = 0; i < nodes_.size(); ++i)
            if (error e = walk_node(i, visit)) return e;
        return {};
    }

private:
    static constexpr std::uint32_t nothing = pickle_values::nothing;
    /// How a container was reached. `state`: it is the state of an object. `dotted`: '.' follows the keys in it. `indexed`: its own key
    /// is a list index. `dotted_key`: '.' follows its own key.
    static constexpr unsigned seen = 1, state = 2, dotted = 4, indexed = 8, dotted_key = 16;
    struct node {
        std::uint32_t value, parent, key;  // key `nothing`: the node adds nothing to the path
    };

    static error no_memory() noexcept { return error::out_of_memory("the paths of tensors", sizeof(node)); }
    [[nodiscard]] bool is_container(std::uint32_t v) const noexcept {
        const pickle_kind k = values_.kind(v);
        return (k == pickle_kind::dict || k == pickle_kind::list || k == pickle_kind::tuple || k == pickle_kind::object) &&
               values_.count(v) != 0;
    }
    error enter(std::uint32_t value, std::uint32_t parent, std::uint32_t key, unsigned flags) noexcept {
        if (!is_container(value) || how_[value] != 0) return {};
        how_[value] = static_cast<std::uint8_t>(flags | seen);
        return nodes_.push_back({value, parent, key}) ? error{} : no_memory();
    }

    template <class Visit>
    error walk_node(std::uint32_t i, Visit&& visit) noexcept {
        const std::uint32_t v = nodes_[i].value;
        const unsigned flags = how_[v];
        if (values_.kind(v) == pickle_kind::dict) return walk_dict(i, flags, visit);
        std::uint32_t place = 0;
        for (std::uint32_t l = values_.first(v); l != nothing; l = values_.next(l), ++place) {
            const bool part = values_.kind(v) == pickle_kind::object && place != 1;  // not its arguments
            const bool slots = values_.kind(v) == pickle_kind::tuple && (flags & state) != 0;
            if (error e = part || slots ? enter(values_.item(l), i, nothing, state) : enter(values_.item(l), i, place, indexed)) return e;
        }
        return {};
    }

    template <class Visit>
    error walk_dict(std::uint32_t i, unsigned flags, Visit&& visit) noexcept {
        std::uint32_t place = 0;
        const std::uint32_t dict = nodes_[i].value;
        for (std::uint32_t l = values_.first(dict); l != nothing; l = values_.next(values_.next(l)), ++place) {
            const std::uint32_t key = values_.item(l), value = values_.item(values_.next(l));
            const pickle_kind kind = values_.kind(value);
            if (kind == pickle_kind::tensor || kind == pickle_kind::object) {
                std::string_view path;
                if (error e = path_of(i, key, place, path)) return e;
                if (!path.empty())
                    if (error e = visit(path, value)) return e;
            }
            if (!is_container(value)) continue;
            const bool text = values_.kind(key) == pickle_kind::text, member = (flags & state) != 0;
            const bool modules = member && values_.is_text(key, "_modules");
            const bool tensors = member && (values_.is_text(key, "_parameters") || values_.is_text(key, "_buffers"));
            const unsigned how = modules ? dotted : tensors ? seen : (text ? 0U : indexed) | ((flags & dotted) != 0 ? dotted_key : 0U);
            if (error e = enter(value, i, modules || tensors ? nothing : text ? key : place, how)) return e;
        }
        return {};
    }

    /// Prepends `text` to the path; false if it does not fit.
    bool put_front(std::string_view text) noexcept {
        if (text.size() > begin_) return false;
        begin_ -= text.size();
        if (!text.empty()) std::memcpy(path_ + begin_, text.data(), text.size());
        return true;
    }
    bool put_key(std::uint32_t key, bool is_place) noexcept {
        if (!is_place) return put_front(values_.text(key));
        char number[16];
        return put_front({number, static_cast<std::size_t>(std::snprintf(number, sizeof number, "%lu", static_cast<unsigned long>(key)))});
    }
    /// Builds the path of the item with key `key` and number `place` of dictionary `i`; empty if it is too deep.
    error path_of(std::uint32_t i, std::uint32_t key, std::uint32_t place, std::string_view& path) noexcept {
        begin_ = sizeof path_;
        if (values_.is_size(key) && values_.integer(key) < INT32_MAX) place = static_cast<std::uint32_t>(values_.integer(key));
        const bool text = values_.kind(key) == pickle_kind::text;
        bool fits = put_key(text ? key : place, !text);
        for (std::size_t depth = 0; i != 0 && fits; i = nodes_[i].parent) {
            if (++depth > max_depth) return {};
            if (nodes_[i].key == nothing) continue;
            const unsigned flags = how_[nodes_[i].value];
            fits = put_front((flags & dotted_key) != 0 ? "." : "/") && put_key(nodes_[i].key, (flags & indexed) != 0);
        }
        if (!fits) return error::format(errc::unsupported, "the path of a tensor is longer than %zu bytes", max_path);
        path = {path_ + begin_, sizeof path_ - begin_};
        if (path.size() > budget_) return error::format(errc::unsupported, "the paths of the tensors are much longer than the pickle");
        budget_ -= path.size();
        return {};
    }

    const pickle_values& values_;
    std::size_t budget_;                // bytes left for paths: a short pickle must not produce many long ones
    detail::buffer<node> nodes_;        // the first is the root
    detail::buffer<std::uint8_t> how_;  // by value number; 0: not seen
    char path_[max_path];
    std::size_t begin_ = 0;  // of the path in path_
};

}  // namespace checkpoint
CVT_NAMESPACE_END
