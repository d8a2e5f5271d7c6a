// The little of a browser that pure modules touch when they are loaded.

globalThis.window = { matchMedia: () => ({ matches: false, addEventListener() {} }) };
globalThis.document = { documentElement: { dataset: {} }, baseURI: "http://localhost:8000/#f=x" };
