"""The same softmax endpoint on other servers, as their own tutorials write it."""
