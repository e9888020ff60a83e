"""A language model with random weights, small enough to be made in a test."""

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from models.causal_lm.prompt import ANSWERS, NOTHING, TUNED, UNTUNED
from models.kinds import VOCABULARY


def words():
    """Return the words of all prompts; whatever else is one unknown word."""
    texts = [
        *ANSWERS,
        *NOTHING,
        *(t.opening + t.question for t in (*UNTUNED.templates, *TUNED.templates)),
    ]
    texts += [f"{kind.name} {kind.unit} {kind.tier}" for kind in VOCABULARY]
    return sorted({word for text in texts for word in text.split()})


def save_tiny_model(folder, seed=0):
    """Write a two-layer Llama and a tokenizer of whole words to ``folder`` and return it."""
    vocabulary = {word: i for i, word in enumerate(["<unk>", *words()])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>").save_pretrained(folder)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.5,  # the default makes all answers equally likely
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
