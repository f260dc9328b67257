from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.merkle import EMPTY, Frontier, Tree, leaf_hash, node_hash, root_by_path, root_of

# The inputs and roots that implementations of Certificate Transparency test themselves with.
INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)

leaves = st.lists(st.binary(max_size=8).map(leaf_hash), max_size=70)


def recursive(hashes: list[bytes]) -> bytes:
    """Return MTH as the standard writes it: split at the largest power of two below the size."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else EMPTY
    split = 1 << ((len(hashes) - 1).bit_length() - 1)
    return node_hash(recursive(hashes[:split]), recursive(hashes[split:]))


@pytest.mark.parametrize("count", range(1, 9))
def test_roots_are_those_of_certificate_transparency(count: int) -> None:
    """Whoever has another implementation of RFC 6962 comes to the same hash."""
    hashes = [leaf_hash(data) for data in INPUTS[:count]]
    assert Tree(hashes).root.hex() == root_of(hashes).hex() == ROOTS[count - 1]


def test_the_empty_tree_has_the_root_of_the_standard() -> None:
    """SHA-256 of nothing."""
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Tree([]).root.hex() == root_of([]).hex() == Frontier().root.hex() == empty


@given(leaves)
def test_all_ways_to_a_root_agree_with_the_standard(hashes: list[bytes]) -> None:
    """The tree, the single pass and the one that grows say what the recursion of RFC 6962 says."""
    assert Tree(hashes).root == root_of(hashes) == Frontier(hashes).root == recursive(hashes)


@given(leaves.filter(bool), st.data())
def test_every_leaf_is_proved_by_its_path(hashes: list[bytes], data: st.DataObject) -> None:
    """The path leads from the leaf at its place to the root."""
    tree = Tree(hashes)
    index = data.draw(st.integers(0, len(hashes) - 1))
    assert root_by_path(hashes[index], index, len(hashes), tree.path(index)) == tree.root


@given(leaves.filter(bool), st.data())
def test_nothing_else_is_proved_by_it(hashes: list[bytes], data: st.DataObject) -> None:
    """Another leaf, a changed, longer or shorter path lead elsewhere or nowhere."""
    tree = Tree(hashes)
    index = data.draw(st.integers(0, len(hashes) - 1))
    path = tree.path(index)
    assert root_by_path(leaf_hash(b"never drawn"), index, len(hashes), path) != tree.root
    with pytest.raises(ValueError, match="too long"):
        root_by_path(hashes[index], index, len(hashes), [*path, EMPTY])
    if path:
        with pytest.raises(ValueError, match="too short"):
            root_by_path(hashes[index], index, len(hashes), path[:-1])
        changed = data.draw(st.integers(0, len(path) - 1))
        path[changed] = bytes([path[changed][0] ^ 1]) + path[changed][1:]
        assert root_by_path(hashes[index], index, len(hashes), path) != tree.root


def test_a_leaf_that_is_not_there_has_no_path() -> None:
    """Neither is one made up, nor is a proof for it taken."""
    for index in (-1, 2):
        with pytest.raises(IndexError):
            Tree([EMPTY, EMPTY]).path(index)
        with pytest.raises(ValueError, match="no leaf"):
            root_by_path(EMPTY, index, 2, [])


def test_a_node_is_no_leaf() -> None:
    """What is hashed as two subtrees cannot be passed off as one item of the list."""
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert leaf_hash(left + right) != node_hash(left, right)
