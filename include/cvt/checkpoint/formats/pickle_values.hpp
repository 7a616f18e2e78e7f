// The values of a checkpoint's pickle, in flat arrays with indices instead of pointers.
#pragma once

#include "tensor_table.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The kind of a value. A tensor or a storage keeps the arguments of its constructor; its data is not yet located. A foreign name
/// (what the pickle would import) and an object (what it would call) are inert. They keep what was written and never resolve to
/// anything.
enum class pickle_kind : std::uint8_t {
    none,
    boolean,
    integer,
    big_integer,
    real,
    text,
    bytes,
    tuple,
    list,
    dict,
    global,
    foreign,
    object,
    storage,
    tensor
};

constexpr const char* to_string(pickle_kind kind) noexcept {
    constexpr const char* names[] = {"None",          "a boolean",      "an integer", "a large integer", "a number",
                                     "a string",      "bytes",          "a tuple",    "a list",          "a dictionary",
                                     "a global name", "a foreign name", "an object",  "a storage",       "a tensor"};
    return names[static_cast<int>(kind)];
}

/// A global name with a meaning here. pickle_globals lists all of them; any other name is foreign.
struct pickle_global {
    enum class role : std::uint8_t { ordered_dict, tensor, parameter, typed_tensor, storage_type };
    std::string_view module, name;
    role meaning;
    dtype type = dtype::f32;  ///< of storage types
};

inline constexpr pickle_global pickle_globals[] = {
    {"collections", "OrderedDict", pickle_global::role::ordered_dict},
    {"torch._utils", "_rebuild_tensor_v2", pickle_global::role::tensor},
    {"torch._utils", "_rebuild_tensor", pickle_global::role::tensor},
    {"torch._utils", "_rebuild_parameter", pickle_global::role::parameter},
    {"torch._utils", "_rebuild_parameter_with_state", pickle_global::role::parameter},
    {"torch._tensor", "_rebuild_from_type_v2", pickle_global::role::typed_tensor},
    {"torch", "FloatStorage", pickle_global::role::storage_type, dtype::f32},
    {"torch", "HalfStorage", pickle_global::role::storage_type, dtype::f16},
    {"torch", "BFloat16Storage", pickle_global::role::storage_type, dtype::bf16},
    {"torch", "DoubleStorage", pickle_global::role::storage_type, dtype::f64},
    {"torch", "LongStorage", pickle_global::role::storage_type, dtype::i64},
    {"torch", "IntStorage", pickle_global::role::storage_type, dtype::i32},
    {"torch", "ShortStorage", pickle_global::role::storage_type, dtype::i16},
    {"torch", "CharStorage", pickle_global::role::storage_type, dtype::i8},
    {"torch", "ByteStorage", pickle_global::role::storage_type, dtype::u8},
    {"torch", "BoolStorage", pickle_global::role::storage_type, dtype::u8},
    {"torch", "ComplexFloatStorage", pickle_global::role::storage_type, dtype::c64},
    {"torch", "ComplexDoubleStorage", pickle_global::role::storage_type, dtype::c128},
};

/// Whether the name is one that hostile pickles call. A file that contains such a name is refused. Safety does not depend on this
/// list, because no name is ever resolved.
constexpr bool is_weapon(std::string_view module, std::string_view name) noexcept {
    for (const std::string_view m :
         {"os",    "posix",     "nt",       "subprocess", "_posixsubprocess", "commands", "pty",        "sys", "socket", "shutil",
          "runpy", "importlib", "imp",      "code",       "codeop",           "ctypes",   "webbrowser", "pip", "timeit", "pdb",
          "bdb",   "profile",   "cProfile", "pickle",     "_pickle",          "marshal"})
        if (module == m || (module.starts_with(m) && module[m.size()] == '.')) return true;
    if (module == "torch.hub") return true;
    if (module == "torch.serialization") return name != "_get_layout";  // torch.save writes it for torch.strided and sparse tensors
    if (module != "builtins" && module != "__builtin__") return false;
    for (const std::string_view n : {"eval", "exec", "execfile", "compile", "open", "file", "input", "__import__", "apply", "breakpoint"})
        if (name == n) return true;
    return false;
}

/// One value. Its members by kind:
/// boolean, integer: `n`. real: `n` has the bits of a double. text, bytes, big_integer: `n` bytes of the pickle from `first`.
/// tuple, list, dict: a chain of `n` links from `first` to `last` (a dict alternates keys and values).
/// global, foreign: `first` and `last` are the texts of its module and name. global: `tag` is its index in pickle_globals.
/// object: a chain of the callee (mostly a foreign name), its arguments, then each state, list and dictionary that it gets.
/// storage: `tag` is the dtype, `first` the tuple of its persistent id.
/// tensor: `first` is the tuple of the arguments of _rebuild_tensor_v2.
struct pickle_value {
    pickle_kind kind = pickle_kind::none;
    std::uint8_t tag = 0;
    std::uint32_t first = 0, last = 0;
    std::int64_t n = 0;
};

/// A storage as its persistent id describes it. Sizes and offsets are in elements and not negative. The view (only in old
/// files) lies inside the storage.
struct pickle_storage {
    std::string_view key;
    dtype type = dtype::f32;
    std::int64_t elements = 0;
    std::int64_t view_offset = 0, view_elements = 0;
};

/// All values of one or more consecutive pickles, identified by number. The accessors require a number of this object, of a
/// value of the right kind.
class pickle_values {
public:
    static constexpr std::uint32_t nothing = UINT32_MAX;

    [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
    [[nodiscard]] pickle_kind kind(std::uint32_t v) const noexcept { return values_[v].kind; }
    [[nodiscard]] std::int64_t integer(std::uint32_t v) const noexcept { return values_[v].n; }
    [[nodiscard]] std::int64_t count(std::uint32_t v) const noexcept { return values_[v].n; }
    [[nodiscard]] double real(std::uint32_t v) const noexcept { return std::bit_cast<double>(values_[v].n); }
    /// Returns the module and the name of a global or foreign name.
    [[nodiscard]] std::string_view module_of(std::uint32_t v) const noexcept { return text(values_[v].first); }
    [[nodiscard]] std::string_view name_of(std::uint32_t v) const noexcept { return text(values_[v].last); }
    [[nodiscard]] const pickle_global& global(std::uint32_t v) const noexcept { return pickle_globals[values_[v].tag]; }
    /// Returns the bytes of a text (UTF-8, not checked), of bytes, or of a big_integer (two's complement, little-endian).
    [[nodiscard]] std::string_view text(std::uint32_t v) const noexcept {
        return {bytes_.data() + values_[v].first, static_cast<std::size_t>(values_[v].n)};
    }
    /// Returns the arguments of _rebuild_tensor_v2: a tuple of 4 to 7 items, the first of which is a storage.
    [[nodiscard]] std::uint32_t tensor_arguments(std::uint32_t v) const noexcept { return values_[v].first; }

    /// Walks a tuple, list, dict or object: `for (l = first(v); l != nothing; l = next(l)) use(item(l))`.
    [[nodiscard]] std::uint32_t first(std::uint32_t v) const noexcept { return values_[v].n == 0 ? nothing : values_[v].first; }
    [[nodiscard]] std::uint32_t next(std::uint32_t link) const noexcept { return links_[link].next; }
    [[nodiscard]] std::uint32_t item(std::uint32_t link) const noexcept { return links_[link].value; }
    /// Returns item `i` < count(v). It walks the chain, so use it for short tuples.
    [[nodiscard]] std::uint32_t item_of(std::uint32_t v, int i) const noexcept {
        std::uint32_t link = first(v);
        while (i-- > 0) link = next(link);
        return item(link);
    }

    /// Returns argument `i` of the call that an object stands for, or `nothing`.
    [[nodiscard]] std::uint32_t argument_of(std::uint32_t object, int i) const noexcept {
        const std::uint32_t arguments = item_of(object, 1);
        return kind(arguments) == pickle_kind::tuple && count(arguments) > i ? item_of(arguments, i) : nothing;
    }

    [[nodiscard]] bool is_size(std::uint32_t v) const noexcept { return kind(v) == pickle_kind::integer && integer(v) >= 0; }
    [[nodiscard]] bool is_text(std::uint32_t v, std::string_view wanted) const noexcept {
        return kind(v) == pickle_kind::text && text(v) == wanted;
    }
    /// Returns the value of `key` in a dict, or `nothing`.
    [[nodiscard]] std::uint32_t find(std::uint32_t dict, std::string_view key) const noexcept {
        for (std::uint32_t l = first(dict); l != nothing; l = next(next(l)))
            if (is_text(item(l), key)) return item(next(l));
        return nothing;
    }

    [[nodiscard]] pickle_storage storage(std::uint32_t v) const noexcept {
        const std::uint32_t id = values_[v].first;
        pickle_storage s{text(item_of(id, 2)), static_cast<dtype>(values_[v].tag), integer(item_of(id, 4)), 0, integer(item_of(id, 4))};
        if (count(id) == 6 && kind(item_of(id, 5)) == pickle_kind::tuple) {
            const std::uint32_t view = item_of(id, 5);
            s.view_offset = integer(item_of(view, 1));
            s.view_elements = integer(item_of(view, 2));
        }
        return s;
    }

protected:
    /// Appends to a tuple, list, dict or object. False if memory runs out.
    [[nodiscard]] bool append(std::uint32_t container, std::uint32_t value) noexcept {
        const auto link = static_cast<std::uint32_t>(links_.size());
        pickle_value& c = values_[container];
        if (!links_.push_back({value, nothing})) return false;
        (c.n++ == 0 ? c.first : links_[c.last].next) = link;
        c.last = link;
        return true;
    }

    struct chain_link {
        std::uint32_t value, next;
    };
    detail::buffer<pickle_value> values_;
    detail::buffer<chain_link> links_;
    detail::buffer<char> bytes_;  // the bytes of the pickles read so far; texts point into it
};

}  // namespace checkpoint
CVT_NAMESPACE_END
