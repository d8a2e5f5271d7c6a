"""What other libraries call our fields and choices: NumPy, SciPy, PyTorch, Keras, scikit-learn, Optax."""

from __future__ import annotations

FIELDS: dict[str, str] = {
    # gradients and descent
    "function": "fun func f fn objective expression expr formula equation code model closure",
    "variables": "x0 x par vars params parameters at point start init initial theta initialguess guess"
    " startingpoint",
    "constants": "args data consts const kwargs",
    "points": "grid variables x xs batch",
    "optimizer": "optimiser solver algorithm opt optim updater",
    "learning_rates": "lrs rates lr etas",
    "learning_rate": "lr eta eta0 alpha rate stepsize learningrateinit initiallearningrate initiallr maxlr"
    " initvalue peakvalue",
    "epsilon": "eps fuzz epsroot epsilonhat",
    "method": "mode algorithm scheme differentiation",
    "h": "eps step stepsize delta dx relstep finitediffrelstep hstep",
    "verify": "check checkgrad gradcheck test",
    "dry_run": "quote plan estimate",
    "steps": "maxiter maxiters iterations iters iter niter numsteps stepnum maxsteps maxfev maxfun maxnfev"
    " maxeval epochs numepochs nsteps nit numiter maxiterations",
    "momentum": "mu nesterovmomentum momentumdecay",
    "decay": "rho decayrate smoothing alpha",
    "beta1": "b1",
    "beta2": "b2",
    "schedule": "scheduler lrschedule lrscheduler learningrateschedule policy",
    "schedule_rate": "gamma decayrate factor lrdecay drop startfactor",
    "schedule_every": "stepsize decaysteps tmax t0 period stepevery totalsteps totaliters transitionsteps"
    " firstdecaysteps patience",
    "schedule_at": "milestones boundaries",
    "schedule_power": "power",
    "clip_norm": "maxnorm maxgradnorm clip gradclip gradientclip globalclipnorm",
    "bounds": "bound limits box lower upper lb ub domain",
    "project": "simplex",
    "tolerance": "tol gtol atol rtol precision tolerancegrad",
    "weight_decay": "wd l2 l2regularization",
    "warmup": "warmupsteps numwarmupsteps",
    "batch": "batchsize minibatch",
    "random_starts": "nstarts restarts random nrestarts popsize ninit",
    "tolerance_value": "ftol fatol tolerancechange",
    "tolerance_step": "xtol xatol xrtol steptol",
    "target": "goal",
    "memory": "m maxcor historysize memorysize",
    "deadline_ms": "timeout timeoutms deadline maxtime timelimit",
    "history": "trace record records logevery callback returnall historylength",
    "state": "checkpoint resume optstate statedict warmstart",
    # softmax, sigmoid, losses
    "x": "logits input inputs array z data values scores",
    "axis": "dim axes dims",
    "temperature": "temp tau t beta",
    "mask": "where masked keypaddingmask",
    "log": "logsoftmax logarithm islog",
    "upstream": "gradoutput gradoutputs cotangent dy",
    "loss": "criterion lossfn lossfunction objective name type kind",
    "predictions": "ypred input inputs preds pred yhat output outputs p probabilities probs yscore"
    " prediction",
    "targets": "ytrue target labels label y t truth expected groundtruth",
    "from_logits": "withlogits islogits",
    "delta": "beta huberdelta",
    "label_smoothing": "smoothing smooth labelsmooth",
    "reduction": "reduce sizeaverage aggregate",
    "gradient": "grad returngrad withgradient derivative",
    "weights": "weight sampleweight sampleweights",
    "class_weights": "classweight weight",
    "tangents": "v vector tangent jvp directions",
    "cotangents": "cotangent vjp u",
    "vectors": "vector hvp v p",
    "skip_non_finite": "skipna nanpolicy ignorenan",
    "outputs": "output returns fetches",
}
"""A field, and what other libraries call it; where two fields share a name, the first row wins.

Names stand here as `hints.folded` makes them.
"""

CHOICES: dict[str, str] = {
    "gradient_descent": "sgd gd steepestdescent vanilla graddescent batchgradientdescent batchgd"
    " stochasticgradientdescent stochastic",
    "momentum": "sgdmomentum sgdwithmomentum heavyball polyak sgdm",
    "nesterov": "nag sgdnesterov nesterovmomentum",
    "rmsprop": "rms",
    "lbfgs": "lbfgsb bfgs bfgsb fminbfgs fminlbfgsb quasinewton fminunc nlminb nlm ucminf ldlbfgs",
    "newton": "newtoncg trustncg trustkrylov trustexact trustregion newtontrustregion dogleg tnc"
    " truncatednewton fminncg fmintnc ncg newtonraphson newtoncholesky",
    "half_squared_error": "halfmse meansqureerr",
    "squared_error": "mse meansquarederror l2 mseloss l2loss sse rss ssr quadratic",
    "absolute_error": "mae meanabsoluteerror l1 l1loss",
    "huber": "smoothl1 smoothl1loss huberloss",
    "cross_entropy": "ce xent categoricalcrossentropy sparsecategoricalcrossentropy logloss nll"
    " softmaxcrossentropy softmaxcrossentropywithintegerlabels crossentropyloss nllloss multinomial",
    "binary_cross_entropy": "bce binarycrossentropy bceloss logistic bcewithlogitsloss sigmoidcrossentropy"
    " sigmoidbinarycrossentropy binarycrossentropywithlogits",
    "cosine_distance": "cosine cosineembedding cosinesimilarity cosineembeddingloss",
    "pinball": "quantile quantileloss pinballloss meanpinballloss",
    "poisson": "poissonnll poissonnllloss halfpoisson",
    "kl_divergence": "kl kld kldiv kldivloss kullbackleiblerdivergence",
    "exact": "autodiff autograd reverse backprop ad analytic analytical symbolic backward grad jax"
    " forwardmode jvp vjp",
    "central": "3point numerical finitedifference finitedifferences fd symmetric numeric centraldifference",
    "forward": "2point onesided forwarddifference",
    "complex_step": "cs complex",
    "constant": "none fixed constantlr constantschedule",
    "step": "steplr stepdecay staircase",
    "milestones": "multistep multisteplr piecewiseconstant piecewiseconstantdecay piecewiseconstantschedule",
    "plateau": "reducelronplateau reduceonplateau adaptive",
    "linear": "linearlr linearwarmup",
    "polynomial": "polynomiallr polynomialdecay polynomialschedule",
    "one_cycle": "onecyclelr cosineonecycleschedule",
    "cosine_restarts": "cosineannealingwarmrestarts warmrestarts sgdr sgdrschedule cosinewithrestarts"
    " cosinedecayrestarts",
    "exponential": "exp exponentiallr exponentialdecay",
    "cosine": "cosineannealinglr cosineannealing cosinedecay cosinedecayschedule cos",
    "simplex": "probability probabilities softmax",
    "l2_ball": "l2 ball",
    "l1_ball": "l1",
    "sphere": "unit normalize",
    "sum": "total",
    "mean": "average avg batchmean elementwisemean sumoverbatchsize",
    "none": "null off no",
}
"""A choice of some field, and what others call it, as `hints.folded` makes it."""
