// Reference reader for PyTorch checkpoints: interprets pickles as Python does, on a tree of values.
#pragma once

#include <deque>

#include "oracle.hpp"

namespace cvt_test {

struct py_value {
    // N none, b boolean, i integer, l large integer, f real, s text, y bytes, t tuple, L list, d dict, g global, O object, S storage,
    // T tensor. An object's items are the callee, its arguments, and then the states, lists and dictionaries it gets.
    char kind = 'N';
    std::int64_t number = 0;
    std::string text;
    std::vector<py_value*> items;  // of a dict: key, value, key, value ...

    [[nodiscard]] const py_value& item(std::size_t i, char wanted) const {
        insist(i < items.size() && items[i]->kind == wanted, "an item of a different kind");
        return *items[i];
    }
};

/// The storage types whose elements are read.
inline const std::map<std::string, const char*>& type_names() {
    static const std::map<std::string, const char*> types{
        {"torch FloatStorage", "F32"},  {"torch HalfStorage", "F16"},         {"torch BFloat16Storage", "BF16"},
        {"torch DoubleStorage", "F64"}, {"torch LongStorage", "I64"},         {"torch IntStorage", "I32"},
        {"torch ShortStorage", "I16"},  {"torch CharStorage", "I8"},          {"torch ByteStorage", "U8"},
        {"torch BoolStorage", "BOOL"},  {"torch ComplexFloatStorage", "C64"}, {"torch ComplexDoubleStorage", "C128"}};
    return types;
}

class unpickler {
public:
    explicit unpickler(std::string_view bytes) : bytes_{bytes} {}

    std::uint64_t at = 0;

    /// Returns all values read so far.
    [[nodiscard]] const std::deque<py_value>& values() const { return values_; }

    const py_value& load() {
        stack_.clear();
        memo_.clear();
        for (;;) {
            const auto op = static_cast<unsigned char>(take(1)[0]);
            if (op == '.') break;
            step(op);
        }
        insist(stack_.size() == 1 && stack_[0] != nullptr, "a stack of more than the result");
        return *stack_[0];
    }

private:
    std::string_view take(std::uint64_t n) {
        const std::string_view part = part_of(bytes_, at, n);
        at += n;
        return part;
    }
    std::uint64_t take_number(int width) { return number_at(take(static_cast<std::uint64_t>(width)), 0, width); }
    std::string line() {
        const std::size_t end = bytes_.find('\n', static_cast<std::size_t>(at));
        insist(end != std::string_view::npos, "a line without an end");
        const std::string text{take(end - at)};
        take(1);
        return text;
    }
    void push(char kind, std::int64_t number = 0, std::string text = {}, std::vector<py_value*> items = {}) {
        stack_.push_back(&values_.emplace_back(py_value{kind, number, std::move(text), std::move(items)}));
    }
    py_value* pop() {
        insist(!stack_.empty() && stack_.back() != nullptr, "an empty stack");
        py_value* v = stack_.back();
        stack_.pop_back();
        return v;
    }
    std::vector<py_value*> pop_to_mark() {
        std::vector<py_value*> items;
        while (!stack_.empty() && stack_.back() != nullptr) items.insert(items.begin(), pop());
        insist(!stack_.empty(), "no mark");
        stack_.pop_back();
        return items;
    }
    std::vector<py_value*> pop_some(std::size_t n) {
        std::vector<py_value*> items;
        while (n-- != 0) items.insert(items.begin(), pop());
        return items;
    }
    void extend(char kind, const std::vector<py_value*>& items) {
        insist(!stack_.empty() && stack_.back() != nullptr, "nothing to extend");
        if (stack_.back()->kind == 'O') return stack_.back()->items.push_back(&values_.emplace_back(py_value{kind, 0, {}, items}));
        insist(stack_.back()->kind == kind, "nothing to extend");
        stack_.back()->items.insert(stack_.back()->items.end(), items.begin(), items.end());
    }
    void call() {
        py_value* const arguments = pop();
        py_value* const callee = pop();
        insist(callee->kind == 'g' || callee->kind == 'O', "a call of another kind of value");
        call(callee, arguments);
    }
    void call(py_value* callee, py_value* arguments) {
        const auto first = [&] { return arguments->kind == 't' && !arguments->items.empty() ? arguments->items[0]->kind : '-'; };
        const std::string name = callee->kind == 'g' ? callee->text : "";
        if (name == "collections OrderedDict") {
            if (first() != 'L') return push('d');
            push('d');
            for (const py_value* pair : arguments->items[0]->items)
                for (std::size_t i = 0; i < 2; ++i) stack_.back()->items.push_back(pair->items.at(i));
            return;
        }
        const bool tensor = name == "torch._utils _rebuild_tensor_v2" || name == "torch._utils _rebuild_tensor";
        if (tensor && first() == 'S') return push('T', 0, {}, arguments->items);
        const bool parameter = name == "torch._utils _rebuild_parameter" || name == "torch._utils _rebuild_parameter_with_state";
        if (parameter && first() == 'T') return stack_.push_back(arguments->items[0]);
        if (name == "torch._tensor _rebuild_from_type_v2" && first() == 'g' && arguments->items[0]->text.starts_with("torch._utils "))
            return call(arguments->items[0], arguments->items.at(2));
        push('O', 0, {}, {callee, arguments});
    }
    void step(unsigned char op) {
        switch (op) {
            case 0x80: return (void)take(1);
            case 0x95: return (void)take(8);
            case '(': return stack_.push_back(nullptr);
            case 'N': return push('N');
            case 0x88: return push('b', 1);
            case 0x89: return push('b', 0);
            case 'K': return push('i', static_cast<std::int64_t>(take_number(1)));
            case 'M': return push('i', static_cast<std::int64_t>(take_number(2)));
            case 'J': return push('i', static_cast<std::int32_t>(take_number(4)));
            case 0x8a: {
                const int width = static_cast<int>(take_number(1));
                if (width > 8) return push('l', 0, std::string{take(static_cast<std::uint64_t>(width))});
                const std::uint64_t bits = take_number(width);
                const int unused = 64 - 8 * width;
                return push('i', width == 0 ? 0 : static_cast<std::int64_t>(bits << unused) >> unused);
            }
            case 'G': return (void)take(8), push('f');
            case 0x8b: return push('l', 0, std::string{take(take_number(4))});  // no relevant size or number is this long
            case 'X':
            case 'T': return push('s', 0, std::string{take(take_number(4))});
            case 0x8c:
            case 'U': return push('s', 0, std::string{take(take_number(1))});
            case 0x8d: return push('s', 0, std::string{take(take_number(8))});
            case 'C': return push('y', 0, std::string{take(take_number(1))});
            case 'B': return push('y', 0, std::string{take(take_number(4))});
            case 0x8e:
            case 0x96: return push('y', 0, std::string{take(take_number(8))});
            case '0': insist(!stack_.empty(), "an empty stack"); return stack_.pop_back();
            case '1': return (void)pop_to_mark();
            case '2': return insist(!stack_.empty() && stack_.back() != nullptr, "an empty stack"), stack_.push_back(stack_.back());
            case 0x8f: return push('L');
            case 0x90: return extend('L', pop_to_mark());
            case 0x91: return push_tuple(pop_to_mark());
            case 0x81: return new_object(nullptr);
            case 0x92: return new_object(pop());
            case ')': return push('t');
            case 0x85: return push_tuple(pop_some(1));
            case 0x86: return push_tuple(pop_some(2));
            case 0x87: return push_tuple(pop_some(3));
            case 't': return push_tuple(pop_to_mark());
            case ']': return push('L');
            case 'a': return extend('L', pop_some(1));
            case 'e': return extend('L', pop_to_mark());
            case '}': return push('d');
            case 's': return extend('d', pop_some(2));
            case 'u': return extend('d', pop_to_mark());
            case 'q': return put(take_number(1));
            case 'r': return put(take_number(4));
            case 0x94: return put(memo_.size());
            case 'h': return get(take_number(1));
            case 'j': return get(take_number(4));
            case 'c': {
                const std::string module = line(), name = line();
                return push('g', 0, module + " " + name);
            }
            case 0x93: {
                const py_value *const name = pop(), *const module = pop();
                insist(name->kind == 's' && module->kind == 's', "a global whose name is not a string");
                return push('g', 0, module->text + " " + name->text);
            }
            case 'R': return call();
            case 'b': {
                py_value* const state = pop();
                insist(!stack_.empty() && stack_.back() != nullptr, "no object for the state");
                if (stack_.back()->kind == 'O') stack_.back()->items.push_back(state);
                return;
            }
            case 'Q': {
                py_value* const id = pop();
                const bool storage = id->items.at(0)->text == "storage" && type_names().count(id->items.at(1)->text) != 0;
                return storage ? push('S', 0, {}, id->items) : push('O', 0, {}, {id->items.at(1), id});
            }
            default: insist(false, "an unknown opcode");
        }
    }
    void new_object(py_value* names) {
        py_value* const arguments = pop();
        push('O', 0, {}, {pop(), arguments});
        if (names != nullptr) stack_.back()->items.push_back(names);
    }
    void push_tuple(std::vector<py_value*> items) { push('t', 0, {}, std::move(items)); }
    void put(std::uint64_t i) {
        insist(!stack_.empty() && stack_.back() != nullptr, "nothing to memoize");
        memo_[i] = stack_.back();
    }
    void get(std::uint64_t i) {
        insist(memo_.count(i) != 0, "an unset memo entry");
        stack_.push_back(memo_[i]);
    }

    std::string_view bytes_;
    std::deque<py_value> values_;
    std::vector<py_value*> stack_;  // a mark is a null pointer
    std::map<std::uint64_t, py_value*> memo_;
};

/// Returns the element type of a storage.
inline std::string type_of(const py_value& storage) { return type_names().at(storage.item(1, 'g').text); }

/// Finds every tensor in a dictionary, by its path: breadth first, each container once, a module's parameters named as in state_dict().
inline std::vector<std::pair<std::string, const py_value*>> paths_of(const py_value& root) {
    struct place {
        const py_value* value;
        std::string path;  // with its separator
        bool state, modules;
        int depth;
    };
    std::vector<std::pair<std::string, const py_value*>> found;
    std::deque<place> queue{{&root, "", false, false, 0}};
    std::map<const py_value*, bool> seen{{&root, true}};
    const auto enter = [&](const place& p) {
        const bool container = std::string_view{"dLtO"}.find(p.value->kind) != std::string_view::npos;
        if (container && !p.value->items.empty() && !seen[p.value]) seen[p.value] = true, queue.push_back(p);
    };
    for (; !queue.empty(); queue.pop_front()) {
        const place at = queue.front();
        for (std::size_t i = 0; i < at.value->items.size(); ++i) {
            const py_value* const item = at.value->items[i];
            if (at.value->kind != 'd') {
                const bool part = (at.value->kind == 'O' && i != 1) || (at.value->kind == 't' && at.state);
                enter({item, part ? at.path : at.path + std::to_string(i) + "/", part, false, at.depth + 1});
                continue;
            }
            const py_value& value = *at.value->items.at(++i);
            const bool text = item->kind == 's', number = item->kind == 'i' && item->number >= 0 && item->number < INT32_MAX;
            const std::string index = std::to_string(i / 2), key = text ? item->text : number ? std::to_string(item->number) : index;
            if (value.kind == 'T' && at.depth <= 256) found.emplace_back(at.path + key, &value);
            if (at.state && text && item->text == "_modules")
                enter({&value, at.path, false, true, at.depth + 1});
            else if (at.state && text && (item->text == "_parameters" || item->text == "_buffers"))
                enter({&value, at.path, false, false, at.depth + 1});
            else
                enter({&value, at.path + (text ? item->text : index) + (at.modules ? "." : "/"), false, false, at.depth + 1});
        }
    }
    return found;
}

/// Reads the tensors of a checkpoint; storage_of(key) returns the bytes of a storage.
template <class StorageOf>
oracle_table tensors_of(const py_value& root, StorageOf&& storage_of) {
    oracle_table table;
    for (const auto& [path, tensor] : paths_of(root)) {
        const py_value& value = *tensor;
        const py_value& storage = value.item(0, 'S');
        const std::string type = type_of(storage);
        if (type.starts_with('C')) continue;  // complex tensors are not read
        const std::int64_t numel = storage.item(4, 'i').number;
        std::int64_t base = 0;
        if (storage.items.size() == 6 && storage.items[5]->kind == 't') base = storage.items[5]->item(1, 'i').number;
        const std::string_view bytes = storage_of(storage.item(2, 's').text);
        oracle_tensor t;
        std::int64_t count = 1;
        const py_value &shape = value.item(2, 't'), &strides = value.item(3, 't');
        insist(shape.items.size() == strides.items.size(), "strides that do not match the shape");
        for (std::size_t a = 0; a < shape.items.size(); ++a) {
            t.shape.push_back(shape.item(a, 'i').number);
            insist(t.shape.back() >= 0 && t.shape.back() < 1'000'000, "a tensor larger than any here");
            count *= t.shape.back();
            insist(count < 10'000'000, "a tensor larger than any here");
        }
        for (std::int64_t n = 0; n < count; ++n) {
            std::int64_t element = base + value.item(1, 'i').number, rest = n;
            for (std::size_t a = t.shape.size(); a-- > 0; rest /= t.shape[a]) element += rest % t.shape[a] * strides.item(a, 'i').number;
            insist(element >= 0 && element < numel, "an element outside its storage");
            t.values.push_back(element_at(bytes, static_cast<std::uint64_t>(element) * static_cast<std::uint64_t>(width_of(type)), type));
        }
        table[path] = std::move(t);
    }
    return table;
}

/// Returns the names and contents of a zip's entries from its central directory.
inline std::map<std::string, std::string_view> zip_entries(std::string_view file) {
    std::size_t end = file.size();
    do insist(end-- != 0, "no directory");
    while (file.substr(end, 4) != "PK\5\6" || end + 22 + number_at(file, end + 20, 2) != file.size());
    std::uint64_t count = number_at(file, end + 10, 2), at = number_at(file, end + 16, 4);
    if (end >= 20 && file.substr(end - 20, 4) == "PK\6\7") {
        const std::uint64_t end64 = number_at(file, end - 12, 8);
        insist(part_of(file, end64, 4) == "PK\6\6", "no zip64 record");
        count = number_at(file, end64 + 32, 8);
        at = number_at(file, end64 + 48, 8);
    }
    std::map<std::string, std::string_view> entries;
    for (; count != 0; --count) {
        insist(part_of(file, at, 4) == "PK\1\2", "a damaged directory");
        const std::uint64_t size = number_at(file, at + 24, 4), name = number_at(file, at + 28, 2), extra = number_at(file, at + 30, 2);
        const std::uint64_t local = number_at(file, at + 42, 4);
        insist(size != 0xFFFFFFFF && local != 0xFFFFFFFF, "an entry larger than any here");
        if (number_at(file, at + 10, 2) == 0 && local + 30 <= file.size()) {  // entries that no tensor needs may be damaged
            const std::uint64_t data = local + 30 + number_at(file, local + 26, 2) + number_at(file, local + 28, 2);
            if (data <= file.size() && size <= file.size() - data)
                entries[std::string{part_of(file, at + 46, name)}] = part_of(file, data, size);
        }
        at += 46 + name + extra + number_at(file, at + 32, 2);
    }
    return entries;
}

inline oracle_table read_torch_oracle(std::string_view file) {
    if (file.substr(0, 2) == "PK") {
        const auto entries = zip_entries(file);
        for (const auto& [name, content] : entries) {
            if (!std::string_view{name}.ends_with("/data.pkl")) continue;
            const std::string folder = name.substr(0, name.size() - 8) + "data/";
            unpickler pickle{content};
            return tensors_of(pickle.load(), [&](const std::string& key) { return entries.at(folder + key); });
        }
        insist(false, "no pickle");
    }
    unpickler pickles{file};
    for (int i = 0; i < 3; ++i) pickles.load();
    const py_value root = pickles.load();
    // Copies: the next load() reuses the stack, not the values.
    const py_value keys = pickles.load();
    std::map<std::string, std::uint64_t> places;
    std::map<std::string, const py_value*> storages;
    for (const py_value& v : pickles.values())
        if (v.kind == 'S') storages[v.item(2, 's').text] = &v;
    std::uint64_t at = pickles.at;
    for (const py_value* key : keys.items) {
        const py_value& storage = *storages.at(key->text);
        const auto numel = static_cast<std::uint64_t>(storage.item(4, 'i').number);
        insist(number_at(file, at, 8) == numel, "a storage of a different size");
        places[key->text] = at + 8;
        at += 8 + numel * static_cast<std::uint64_t>(width_of(type_of(storage)));
    }
    return tensors_of(root, [&](const std::string& key) { return part_of(file, places.at(key), file.size() - places.at(key)); });
}

}  // namespace cvt_test
